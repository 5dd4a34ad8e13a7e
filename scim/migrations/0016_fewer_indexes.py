"""Indexes for LIKE that nothing uses: a new tenant does not get them (tenants.backend), present ones lose them.

Of all apps of a tenant in one step. Takes a moment at any size.
"""

from django.db import migrations

# Table and column, in the name that Django gave the index.
INDEXES = {
    "accounts_account_email_348850e2_like": ("accounts_account", "email"),
    "accounts_clientsecret_public_id_ffc2800d_like": ("accounts_clientsecret", "public_id"),
    "accounts_guesses_key_13cc9988_like": ("accounts_guesses", "key"),
    "accounts_guesses_login_18dbd91e_like": ("accounts_guesses", "login"),
    "accounts_identityprovider_kind_f51c345f_like": ("accounts_identityprovider", "kind"),
    "accounts_secrettoken_public_id_3febcc90_like": ("accounts_secrettoken", "public_id"),
    "accounts_session_session_key_b186966f_like": ("accounts_session", "session_key"),
    "scim_extensionschema_urn_key_4e188a70_like": ("scim_extensionschema", "urn_key"),
    "scim_signingkey_kid_85ded5dc_like": ("scim_signingkey", "kid"),
}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_single_sign_on"),
        ("scim", "0015_counted_in_the_index"),
    ]

    operations = [
        migrations.RunSQL(
            sql=f"DROP INDEX IF EXISTS {name}",
            reverse_sql=f"CREATE INDEX {name} ON {table} ({column} varchar_pattern_ops)",
        )
        for name, (table, column) in INDEXES.items()
    ]
