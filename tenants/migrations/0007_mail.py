"""E-mails on their way: a new table in the registry, a moment at any size."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0006_alarm_lapsed'),
    ]

    operations = [
        migrations.CreateModel(
            name='Mail',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField()),
                ('template', models.CharField(max_length=40)),
                ('values', models.JSONField(default=dict)),
                ('queued_at', models.DateTimeField()),
                ('retry_at', models.DateTimeField()),
                ('give_up_at', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Given up'), ('dropped', 'Not needed any more')], default='waiting', max_length=10)),
                ('error', models.CharField(blank=True, max_length=200)),
                ('done_at', models.DateTimeField(null=True)),
                ('home', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mails', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'e-mail',
                'ordering': ['-queued_at', 'id'],
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['retry_at'], name='tenants_mail_due'), models.Index(fields=['done_at'], name='tenants_mail_done')],
            },
        ),
    ]
