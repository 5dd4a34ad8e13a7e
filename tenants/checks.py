"""System checks: what this way of keeping tenants apart rests on and a later change could break."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from tenants.hostnames import OPERATOR_SCHEMA

# In each schema: what was applied there.
IN_BOTH: Final = frozenset({"django_migrations"})

_ROLE: Final = "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"


def shared_tables() -> frozenset[str]:
    """The names of the tables in `public`."""
    return _tables(settings.SHARED_APPS)


def tenant_tables() -> frozenset[str]:
    """The names of the tables in each tenant's schema."""
    return _tables(settings.TENANT_APPS)


def _tables(app_names: Iterable[str]) -> frozenset[str]:
    names = frozenset(app_names)
    return IN_BOTH.union(
        model._meta.db_table  # noqa: SLF001  # public by documentation
        for app in apps.get_app_configs()
        if app.name in names
        for model in app.get_models(include_auto_created=True)
    )


@register
def check_no_table_is_in_both(**_: Any) -> list[CheckMessage]:
    """A name that is in both would, where a tenant lacks it, be found in public: other rows."""
    both = sorted(shared_tables() & tenant_tables() - IN_BOTH)
    return [
        Error(f"The table {name} is in public and in each tenant.", id="tenants.E001")
        for name in both
    ]


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    """The settings without which tenants mix or pages of one point to another."""
    wrong = {
        "tenants.E002": (
            settings.DATABASES["default"]["ENGINE"] == "tenants.backend",
            "The database's ENGINE must be tenants.backend.",
        ),
        "tenants.E003": (
            getattr(settings, "TENANT_LIMIT_SET_CALLS", False) is True,
            "TENANT_LIMIT_SET_CALLS must be True.",
        ),
        "tenants.E004": (
            settings.STATIC_URL.startswith("/"),
            "STATIC_URL must start with a slash: else the prefix of a staff visit sticks to it.",
        ),
        "tenants.E005": (
            settings.INSTALLED_APPS[-1] == "django_tenants",
            "django_tenants must come last: its commands and admin templates would replace ours.",
        ),
    }
    return [Error(text, id=code) for code, (holds, text) in wrong.items() if not holds]


@register(Tags.database, deploy=True)
def check_role(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """The problems of the role's name and rights; checked only with `--database`."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ROLE)
        role, is_superuser = cursor.fetchone()
    problems: list[CheckMessage] = []
    if is_superuser:
        problems.append(
            Error(
                f"The database role {role} is a superuser, whom no privilege binds: the append-only "
                "logs could be rewritten.",
                hint="Connect as a role that owns the database and is no superuser.",
                id="tenants.E006",
            )
        )
    if role == OPERATOR_SCHEMA or role.startswith("t_"):
        problems.append(
            Error(
                f"The database role {role} is named like a tenant's schema, which PostgreSQL would "
                'search before public ("$user").',
                id="tenants.E007",
            )
        )
    return problems
