"""A tenant has a few event streams, which are read whole: no index finds one by its secret's digest.

A moment at any size, and so is the way back. By name, since Django gives a constraint another one on the way back.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0020_created_is_found_by_operation'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql='ALTER TABLE "scim_eventstream" DROP CONSTRAINT "scim_eventstream_digest_key"',
                    reverse_sql='ALTER TABLE "scim_eventstream"'
                    ' ADD CONSTRAINT "scim_eventstream_digest_key" UNIQUE ("digest")',
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='eventstream',
                    name='digest',
                    field=models.BinaryField(editable=False, null=True),
                ),
            ],
        ),
    ]
