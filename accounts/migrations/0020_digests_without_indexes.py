"""Digests that nobody looks up in a large table, and that are unique for another reason or by chance, lose
their indexes: a new tenant does not get them, present ones lose them.

A moment at any size; each waits for the statements on its table that are under way. The way back builds them:
a second or two for a million entries of an audit log. By name, since Django gives a constraint another one
on the way back.
"""

from django.db import migrations, models

# Table and column.
COLUMNS = (
    ("accounts_auditentry", "hash"),
    ("accounts_clientsecret", "digest"),
    ("accounts_recoverycode", "digest"),
)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0019_small_tables_without_indexes'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql=f'ALTER TABLE "{table}" DROP CONSTRAINT "{table}_{column}_key"',
                    reverse_sql=f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_{column}_key" UNIQUE ("{column}")',
                )
                for table, column in COLUMNS
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='auditentry',
                    name='hash',
                    field=models.BinaryField(),
                ),
                migrations.AlterField(
                    model_name='clientsecret',
                    name='digest',
                    field=models.BinaryField(editable=False),
                ),
                migrations.AlterField(
                    model_name='recoverycode',
                    name='digest',
                    field=models.BinaryField(),
                ),
            ],
        ),
    ]
