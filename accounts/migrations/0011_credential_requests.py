"""Secret tokens that were asked for and wait for approval: a new table, a moment at any size."""

import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0010_allowed_addresses'),
    ]

    operations = [
        migrations.CreateModel(
            name='CredentialRequest',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=100)),
                ('asked', models.JSONField()),
                ('requested_at', models.DateTimeField(verbose_name='requested')),
                ('requested_by', models.CharField(max_length=200)),
                ('expires_at', models.DateTimeField()),
                ('outcome', models.CharField(choices=[('waiting', 'Waiting'), ('approved', 'Approved'), ('declined', 'Declined'), ('used', 'Generated')], default='waiting', max_length=10)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.CharField(blank=True, max_length=200)),
                ('decided_reason', models.CharField(blank=True, max_length=200)),
                ('token_public_id', models.CharField(blank=True, max_length=8)),
            ],
            options={
                'verbose_name': 'token request',
                'ordering': ['-requested_at', 'pk'],
            },
        ),
    ]
