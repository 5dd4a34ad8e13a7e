"""Second factors and recovery codes: new tables, a moment at any size."""

import django.db.models.deletion
import tenants.clock
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_single_sign_on'),
    ]

    operations = [
        migrations.CreateModel(
            name='Factor',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('codes', 'Authenticator app'), ('passkey', 'Passkey')], max_length=8)),
                ('name', models.CharField(max_length=100)),
                ('secret', models.TextField(blank=True)),
                ('credential_id', models.BinaryField(null=True, unique=True)),
                ('public_key', models.BinaryField(null=True)),
                ('counter', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=tenants.clock.now, editable=False)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='factors', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['created_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('digest', models.BinaryField(unique=True)),
                ('used_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recovery_codes', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
