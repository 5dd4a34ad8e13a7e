"""Undos of mass deactivations and why they left users: a new table and column, a moment at any size."""

import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0010_active_users'),
    ]

    operations = [
        migrations.CreateModel(
            name='Undoing',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('alarm_id', models.UUIDField(unique=True)),
                ('subject', models.CharField(max_length=200)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('reached', models.DateTimeField()),
                ('users', models.PositiveIntegerField()),
                ('back', models.PositiveIntegerField(default=0)),
                ('left', models.PositiveIntegerField(default=0)),
                ('asked_at', models.DateTimeField()),
                ('asked_by', models.CharField(max_length=254)),
                ('address', models.GenericIPAddressField(null=True)),
                ('is_by_staff', models.BooleanField()),
                ('request_id', models.CharField(max_length=64)),
                ('done_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='departure',
            name='obstacle',
            field=models.CharField(max_length=200, null=True),
        ),
    ]
