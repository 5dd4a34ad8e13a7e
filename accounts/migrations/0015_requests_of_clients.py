"""Requests are for OAuth clients and client secrets, too: one column, a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0014_client_addresses"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="credentialrequest",
            options={"ordering": ["-requested_at", "pk"], "verbose_name": "credential request"},
        ),
        migrations.AddField(
            model_name="credentialrequest",
            name="kind",
            field=models.CharField(
                choices=[
                    ("token", "Secret token"),
                    ("client", "OAuth client"),
                    ("secret", "Client secret"),
                ],
                db_default="token",
                default="token",
                max_length=10,
            ),
        ),
    ]
