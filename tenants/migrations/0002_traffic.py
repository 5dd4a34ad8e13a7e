"""Two new tables in the registry for the traffic of tenants: a moment at any size."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Traffic',
            fields=[
                ('tenant', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='traffic', serialize=False, to='tenants.tenant')),
                ('first_request_at', models.DateTimeField(null=True)),
                ('last_request_at', models.DateTimeField(null=True)),
                ('last_success_at', models.DateTimeField(null=True)),
                ('last_change_at', models.DateTimeField(null=True)),
                ('failed_at', models.DateTimeField(null=True)),
                ('failed_reach', models.CharField(blank=True, choices=[('all', 'Every request'), ('changes', 'Changes of users and groups')], max_length=10)),
                ('failed_reason', models.CharField(blank=True, max_length=40)),
                ('failed_request_id', models.CharField(blank=True, max_length=64)),
                ('stranger_at', models.DateTimeField(null=True)),
                ('stranger_reason', models.CharField(blank=True, max_length=40)),
                ('marks', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name_plural': 'traffic',
            },
        ),
        migrations.CreateModel(
            name='TrafficDay',
            fields=[
                ('pk', models.CompositePrimaryKey('tenant_id', 'day', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField(db_index=True)),
                ('requests', models.PositiveBigIntegerField(default=0)),
                ('failures', models.PositiveBigIntegerField(default=0)),
                ('departures', models.PositiveBigIntegerField(default=0)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='days', to='tenants.tenant')),
            ],
        ),
    ]
