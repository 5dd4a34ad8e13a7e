"""Indexes for the searches and filters of the screens; groups have a screen.

With 100,000 users and 1,000,000 rows of the provisioning log it takes about 6 seconds; each table is
locked against writes meanwhile. Code that is older does not notice.
"""

import django.db.models.fields.json
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0006_events'),
    ]

    operations = [
        migrations.CreateModel(
            name='Group',
            fields=[
            ],
            options={
                'verbose_name': 'provisioned group',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('scim.resource',),
        ),
        migrations.AddIndex(
            model_name='provisioningevent',
            index=models.Index(fields=['operation', '-id'], name='scim_event_operation'),
        ),
        migrations.AddIndex(
            model_name='provisioningevent',
            index=models.Index(fields=['status', '-id'], name='scim_event_status'),
        ),
        migrations.AddIndex(
            model_name='provisioningevent',
            index=models.Index(django.db.models.functions.text.Lower(django.db.models.fields.json.KeyTextTransform('userName', 'sent')), condition=models.Q(('resource_id__isnull', True)), name='scim_event_user_name'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(fields=['work_email'], name='scim_resource_work_email'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(fields=['display_name'], name='scim_resource_display_name'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(fields=['family_name'], name='scim_resource_family_name'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(fields=['resource_type', '-last_modified'], name='scim_resource_modified'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(condition=models.Q(('active', False)), fields=['resource_type', 'id'], name='scim_resource_disabled'),
        ),
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['resource_type', 'id'], name='scim_resource_deleted'),
        ),
    ]
