"""The audit log by time: an index, a moment at any size that an audit log has."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_credential_requests'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['at'], name='accounts_audit_at'),
        ),
    ]
