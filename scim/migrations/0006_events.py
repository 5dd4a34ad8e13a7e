"""Event streams, the outbox, deliveries and signing keys: new tables, a moment at any size."""

import django.db.models.deletion
import tenants.clock
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0005_extension_schema'),
    ]

    operations = [
        migrations.CreateModel(
            name='EventStream',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=100)),
                ('method', models.CharField(choices=[('push', 'Push (RFC 8935)'), ('poll', 'Poll (RFC 8936)'), ('webhook', 'Webhook')], max_length=10)),
                ('endpoint', models.CharField(blank=True, max_length=500)),
                ('audience', models.CharField(max_length=500)),
                ('event_uris', models.JSONField()),
                ('secret', models.TextField(blank=True, editable=False)),
                ('digest', models.BinaryField(null=True, unique=True)),
                ('state', models.CharField(choices=[('active', 'Active'), ('paused', 'Paused'), ('failing', 'Failing')], default='active', max_length=10)),
                ('reason', models.TextField(blank=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('retry_at', models.DateTimeField(default=tenants.clock.now)),
                ('created_at', models.DateTimeField(default=tenants.clock.now, editable=False)),
                ('created_by', models.CharField(max_length=200)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='OutboxEvent',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('kinds', models.JSONField()),
                ('resource_type', models.CharField(max_length=40)),
                ('resource_id', models.UUIDField()),
                ('uri', models.CharField(max_length=200)),
                ('version', models.PositiveBigIntegerField()),
                ('schemas', models.JSONField()),
                ('document', models.JSONField()),
                ('changes', models.JSONField()),
                ('members', models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('kid', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('public', models.JSONField()),
                ('private', models.TextField(blank=True, editable=False)),
                ('created_at', models.DateTimeField()),
                ('retired_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.Value(1), condition=models.Q(('retired_at__isnull', True)), name='scim_signingkey_one_signs')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('resource_id', models.UUIDField()),
                ('version', models.PositiveBigIntegerField()),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('delivered', 'Delivered'), ('refused', 'Refused')], default='pending', max_length=10)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('retry_at', models.DateTimeField()),
                ('attempted_at', models.DateTimeField(null=True)),
                ('failing_since', models.DateTimeField(null=True)),
                ('done_at', models.DateTimeField(null=True)),
                ('error', models.TextField(blank=True)),
                ('stream', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='scim.eventstream')),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='scim.outboxevent')),
            ],
            options={
                'verbose_name_plural': 'delivery log',
                'ordering': ['-event_id'],
                'indexes': [models.Index(condition=models.Q(('status', 'pending')), fields=['stream', 'retry_at', 'event'], name='scim_delivery_queue'), models.Index(condition=models.Q(('status', 'pending')), fields=['stream', 'resource_id', 'version'], name='scim_delivery_order'), models.Index(fields=['stream', '-event'], name='scim_delivery_log'), models.Index(condition=models.Q(('done_at__isnull', False)), fields=['done_at'], name='scim_delivery_done')],
            },
        ),
    ]
