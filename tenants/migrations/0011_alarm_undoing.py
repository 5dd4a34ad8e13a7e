"""Alarms whose undo is going on: a choice, nothing in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0010_credential_traffic'),
    ]

    operations = [
        migrations.AlterField(
            model_name='alarm',
            name='outcome',
            field=models.CharField(choices=[('open', 'Open'), ('passed', 'Let pass'), ('undoing', 'Being undone'), ('undone', 'Undone'), ('lapsed', 'Lapsed')], default='open', max_length=10),
        ),
    ]
