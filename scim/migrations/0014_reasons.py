"""The reason of a refusal in the provisioning log: takes a moment at any size.

The database gives old workers the default, so they can go on writing meanwhile.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0013_former_secrets'),
    ]

    operations = [
        migrations.AddField(
            model_name='provisioningevent',
            name='reason',
            field=models.CharField(blank=True, db_default='', max_length=40),
        ),
    ]
