"""Until when a tenant's last alarm may hold departures: a new column, a moment at any size."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0008_sends_events'),
    ]

    operations = [
        migrations.AddField(
            model_name='guard',
            name='alarm_until',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
