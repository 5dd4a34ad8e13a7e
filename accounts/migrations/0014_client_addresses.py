"""Lists of addresses from which OAuth clients work, and of their last use: four columns, a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0013_choices"),
    ]

    operations = [
        migrations.AddField(
            model_name="oauthclient",
            name="allowed_networks",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="last_used_address",
            field=models.GenericIPAddressField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="preset_date",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="oauthclient",
            name="preset_networks",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
