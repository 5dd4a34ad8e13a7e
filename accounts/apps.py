"""Accounts that sign in, the secret tokens issued for them, and the audit log."""

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts and secret tokens"

    def ready(self) -> None:
        """Have each session that begins know when and by what."""
        user_logged_in.connect(_begin_session)


def _begin_session(request: Any, **_: Any) -> None:
    from accounts import proof, sessions  # models are loaded only now

    sessions.begin(request)
    proof.renew(request, "password")
