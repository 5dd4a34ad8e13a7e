"""The audit log can be added to and read, nothing else.

A privilege and not a trigger: the schema must also run on Citus. Takes a moment at any size.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql="REVOKE UPDATE, DELETE, TRUNCATE ON accounts_auditentry FROM CURRENT_USER",
            reverse_sql="GRANT UPDATE, DELETE, TRUNCATE ON accounts_auditentry TO CURRENT_USER",
        ),
    ]
