"""Indexes of small tables that are read whole: a new tenant does not get them, present ones lose them.

A moment at any size; each waits for the statements on its table that are under way. By name, since Django
makes a foreign key anew, and has all its rows checked, when its index goes.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Table and column, in the name that Django gave the index.
INDEXES = {
    "accounts_accesstoken_client_id_4d5ce794": ("accounts_accesstoken", "client_id"),
    "accounts_accesstoken_secret_id_30b29ddd": ("accounts_accesstoken", "secret_id"),
    "accounts_clientsecret_client_id_38638a62": ("accounts_clientsecret", "client_id"),
    "accounts_factor_account_id_195da30a": ("accounts_factor", "account_id"),
    "accounts_guesses_last_at_7edc894f": ("accounts_guesses", "last_at"),
    "accounts_identitylink_account_id_6aa2733b": ("accounts_identitylink", "account_id"),
    "accounts_identityprovider_break_glass_id_f2bc4753": ("accounts_identityprovider", "break_glass_id"),
    "accounts_oauthclient_issued_for_id_715c688a": ("accounts_oauthclient", "issued_for_id"),
    "accounts_recoverycode_account_id_ac51ca41": ("accounts_recoverycode", "account_id"),
    "accounts_secrettoken_issued_for_id_1084575c": ("accounts_secrettoken", "issued_for_id"),
    "accounts_signonanswer_expires_at_43c2436b": ("accounts_signonanswer", "expires_at"),
    "accounts_spentassertion_expires_at_838c900c": ("accounts_spentassertion", "expires_at"),
}


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0018_total_orders'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql=f'DROP INDEX IF EXISTS "{name}"',
                    reverse_sql=f'CREATE INDEX "{name}" ON "{table}" ("{column}")',
                )
                for name, (table, column) in INDEXES.items()
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='accesstoken',
                    name='client',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='accounts.oauthclient'),
                ),
                migrations.AlterField(
                    model_name='accesstoken',
                    name='secret',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, to='accounts.clientsecret'),
                ),
                migrations.AlterField(
                    model_name='clientsecret',
                    name='client',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='accounts.oauthclient'),
                ),
                migrations.AlterField(
                    model_name='factor',
                    name='account',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='factors', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='guesses',
                    name='last_at',
                    field=models.DateTimeField(),
                ),
                migrations.AlterField(
                    model_name='identitylink',
                    name='account',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='identityprovider',
                    name='break_glass',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='oauthclient',
                    name='issued_for',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='oauth_clients', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='recoverycode',
                    name='account',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='recovery_codes', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='secrettoken',
                    name='issued_for',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='secret_tokens', to=settings.AUTH_USER_MODEL),
                ),
                migrations.AlterField(
                    model_name='signonanswer',
                    name='expires_at',
                    field=models.DateTimeField(),
                ),
                migrations.AlterField(
                    model_name='spentassertion',
                    name='expires_at',
                    field=models.DateTimeField(),
                ),
            ],
        ),
    ]
