"""Ends of certificates beside those of credentials: nothing to do in the database, a moment."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0019_user_digests'),
    ]

    operations = [
        migrations.AlterField(
            model_name='expiry',
            name='kind',
            field=models.CharField(choices=[('token', 'Secret token'), ('secret', 'Client secret'), ('saml', 'Signing certificate')], max_length=10),
        ),
    ]
