"""Orders in which no two rows are equal. Changes nothing in the database."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0023_logo'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='alarm',
            options={'ordering': ['-noticed_at', 'pk'], 'verbose_name': 'mass deactivation'},
        ),
    ]
