"""Look-ups by e-mail address find an index, whatever the number and types of the addresses.

Entra may match users by `emails[type eq "work"].value`. Takes about a second for 100,000 users; the
table is locked against writes meanwhile. No pending list: it would make single look-ups slow.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("scim", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            sql="""
            CREATE INDEX scim_resource_emails ON scim_resource
            USING gin ((comparable -> 'emails') jsonb_path_ops) WITH (fastupdate = off)
            """,
            reverse_sql="DROP INDEX scim_resource_emails",
        )
    ]
