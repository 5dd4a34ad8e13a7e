"""Tenant.logo: a column with a constant default, without a rewrite of the table, milliseconds."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0022_ends_of_sign_on_secrets'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='logo',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=16),
        ),
    ]
