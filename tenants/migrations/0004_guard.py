"""Alarms of mass deactivations and when to sound them: new tables in the registry, a moment at any size."""

import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0003_expiries'),
    ]

    operations = [
        migrations.CreateModel(
            name='Guard',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='guard', serialize=False, to='tenants.tenant')),
                ('share_percent', models.PositiveSmallIntegerField(default=30)),
                ('least', models.PositiveIntegerField(default=20)),
                ('holds', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='Alarm',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('noticed_at', models.DateTimeField()),
                ('users', models.PositiveIntegerField()),
                ('active_before', models.PositiveIntegerField()),
                ('refused', models.PositiveIntegerField(default=0)),
                ('outcome', models.CharField(choices=[('open', 'Open'), ('passed', 'Let pass'), ('undone', 'Undone')], default='open', max_length=10)),
                ('settled_at', models.DateTimeField(null=True)),
                ('settled_by', models.CharField(blank=True, max_length=200)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alarms', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'mass deactivation',
                'ordering': ['-noticed_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('outcome', 'open')), fields=('tenant',), name='tenants_alarm_one_open')],
            },
        ),
    ]
