"""Who signs in, the secret tokens they are responsible for, and what staff did."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts and secret tokens"
