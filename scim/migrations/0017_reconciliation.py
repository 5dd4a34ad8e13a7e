"""Differences of reconciliations: a new table, a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0016_fewer_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Difference',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('report_id', models.UUIDField()),
                ('kind', models.CharField(blank=True, choices=[('missing', 'Missing here'), ('extra', 'Not in Entra'), ('disabled', 'Disabled in Entra only'), ('inactive', 'Disabled here only'), ('differs', 'Attributes differ'), ('unreadable', 'Unreadable line')], max_length=10)),
                ('line', models.PositiveIntegerField(null=True)),
                ('object_id', models.TextField(blank=True, db_collation='C')),
                ('nickname', models.TextField(blank=True, db_collation='C')),
                ('user_name', models.TextField(blank=True)),
                ('user_name_key', models.TextField(blank=True, db_collation='C')),
                ('display_name', models.TextField(blank=True)),
                ('is_enabled', models.BooleanField(null=True)),
                ('user_id', models.UUIDField(null=True)),
                ('values', models.JSONField(default=dict)),
                ('differing', models.JSONField(null=True)),
                ('remark', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['report_id', 'kind', '-id'], name='scim_difference_report'), models.Index(fields=['user_id', 'report_id'], name='scim_difference_user'), models.Index(fields=['user_name_key'], name='scim_difference_key')],
            },
        ),
    ]
