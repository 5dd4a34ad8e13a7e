"""Accounts that sign in, the secret tokens issued for them, and the audit log."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts and secret tokens"
