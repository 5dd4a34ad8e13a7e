"""Lists of addresses from which secret tokens work: three columns, a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='secrettoken',
            name='allowed_networks',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddField(
            model_name='secrettoken',
            name='preset_date',
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name='secrettoken',
            name='preset_networks',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
    ]
