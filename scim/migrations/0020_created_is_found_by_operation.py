"""The index of statuses without 201, the status of most rows: a 201 is found among the creations.

Takes 0.2 s of processor time with a log of 300,000 rows, in which the tenant's log waits, reads included:
DROP INDEX locks them out until COMMIT.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0019_total_orders'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='provisioningevent',
            name='scim_event_status',
        ),
        migrations.AddIndex(
            model_name='provisioningevent',
            index=models.Index(condition=models.Q(('status', 201), _negated=True), fields=['status', 'id'], name='scim_event_status'),
        ),
    ]
