"""Another kind of credential that ends: no statement."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("tenants", "0021_reach_of_connections"),
    ]

    operations = [
        migrations.AlterField(
            model_name="expiry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("token", "Secret token"),
                    ("secret", "Client secret"),
                    ("saml", "Signing certificate"),
                    ("oidc", "Single sign-on secret"),
                ],
                max_length=10,
            ),
        ),
    ]
