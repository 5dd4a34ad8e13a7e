"""The day on which the secret at an identity provider ends: one column, a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0015_requests_of_clients"),
    ]

    operations = [
        migrations.AddField(
            model_name="identityprovider",
            name="secret_expires_on",
            field=models.DateField(null=True),
        ),
    ]
