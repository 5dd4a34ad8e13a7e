"""OAuth clients, their secrets and access tokens, and the assertions that were used: new tables, a moment at any size."""

import django.db.models.deletion
import tenants.clock
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_append_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='SpentAssertion',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('digest', models.BinaryField(unique=True)),
                ('expires_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='OAuthClient',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=100)),
                ('public_keys', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(default=tenants.clock.now, editable=False)),
                ('created_by', models.CharField(max_length=200)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_by', models.CharField(blank=True, max_length=200)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('issued_for', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='oauth_clients', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'OAuth client',
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='ClientSecret',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('public_id', models.CharField(max_length=8, unique=True)),
                ('digest', models.BinaryField(unique=True)),
                ('created_at', models.DateTimeField(default=tenants.clock.now, editable=False)),
                ('created_by', models.CharField(max_length=200)),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_by', models.CharField(blank=True, max_length=200)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='accounts.oauthclient')),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('digest', models.BinaryField(unique=True)),
                ('scope', models.CharField(max_length=100)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('secret', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='accounts.clientsecret')),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='accounts.oauthclient')),
            ],
        ),
    ]
