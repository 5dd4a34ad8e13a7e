"""The logo of a tenant: a new, empty table, a moment a tenant."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0016_sign_on_secrets_end'),
    ]

    operations = [
        migrations.CreateModel(
            name='Logo',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('is_only', models.BooleanField(default=True, editable=False, unique=True)),
                ('digest', models.CharField(max_length=16)),
                ('media_type', models.CharField(max_length=20)),
                ('width', models.PositiveSmallIntegerField()),
                ('height', models.PositiveSmallIntegerField()),
                ('content', models.BinaryField()),
                ('changed_at', models.DateTimeField(verbose_name='changed')),
                ('changed_by', models.CharField(max_length=200)),
            ],
            options={
                'verbose_name': 'logo',
                'verbose_name_plural': 'logo',
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('is_only', True)), name='accounts_logo_only'),
                ],
            },
        ),
    ]
