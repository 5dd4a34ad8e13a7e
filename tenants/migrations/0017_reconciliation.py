"""Reconciliations, in the registry: a new table, a moment at any size."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0016_erasure'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reconciliation',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('asked_at', models.DateTimeField(verbose_name='uploaded')),
                ('asked_by', models.CharField(max_length=254, verbose_name='uploaded by')),
                ('form', models.CharField(max_length=10, verbose_name='form of the file')),
                ('users', models.PositiveIntegerField(verbose_name='users in the file')),
                ('stage', models.CharField(choices=[('matching', 'Comparing the users of the file'), ('searching', 'Looking for users who are not in the file'), ('done', 'Done')], default='matching', max_length=10)),
                ('matched', models.PositiveIntegerField(default=0)),
                ('reached_row', models.BigIntegerField(default=0)),
                ('reached_user', models.UUIDField(null=True)),
                ('not_compared', models.JSONField(default=list)),
                ('counts', models.JSONField(default=dict)),
                ('attributes', models.JSONField(default=dict)),
                ('done_at', models.DateTimeField(null=True)),
                ('delete_at', models.DateTimeField(verbose_name='deleted')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reconciliations', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'reconciliation',
                'ordering': ['-asked_at', 'pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('done_at', None)), fields=('tenant',), name='tenants_reconciliation_one_running')],
            },
        ),
    ]
