"""The provisioning log and the attribute history can be added to and read, nothing else.

A privilege and not a trigger: the schema must also run on Citus. Takes a moment at any size.
"""

from django.db import migrations

TABLES = ["scim_provisioningevent", "scim_attributechange"]


class Migration(migrations.Migration):
    dependencies = [("scim", "0001_initial")]

    operations = [
        migrations.RunSQL(
            sql=f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM CURRENT_USER",
            reverse_sql=f"GRANT UPDATE, DELETE, TRUNCATE ON {table} TO CURRENT_USER",
        )
        for table in TABLES
    ]
