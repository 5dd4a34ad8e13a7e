"""A new table in the registry for the ends of credentials: a moment at any size."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_traffic'),
    ]

    operations = [
        migrations.CreateModel(
            name='Expiry',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('token', 'Secret token'), ('secret', 'Client secret')], max_length=10)),
                ('name', models.CharField(max_length=120)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('warned_for', models.DateTimeField(null=True)),
                ('warned_days', models.PositiveSmallIntegerField(null=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='expiries', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'expiries',
            },
        ),
    ]
