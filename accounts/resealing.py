"""Sealed secrets that SECRET_KEY alone does not open: which they are, and how they are sealed anew.

After a change of SECRET_KEY they are opened with one of SECRET_KEY_FALLBACKS. A value shows by its mark
whether it needs that (accounts.sealing), so one statement finds the tenants that have any. Values of
releases before there were marks are tried.

Values that end by themselves within hours are not among them: a secret in a session, a SAML response.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.db import models

from accounts.sealing import SealBroken, SealedField, is_of_present_key, mark, seal, unseal
from tenants import schemas
from tenants.models import Tenant
from tenants.schemas import Answer

_DAY: Final = 86_400  # seconds
PIECE: Final = 500  # secrets a transaction
# A column that every schema with sealed secrets has (schemas.where).
_NEWEST: Final = ("accounts_factor", "secret")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a tenant's schema that holds sealed secrets."""

    model: type[models.Model]
    field: SealedField

    @property
    def kind(self) -> str:
        """The kind of the secrets, for a person: "second factor"."""
        return self.field.kind or str(self.model._meta.verbose_name)  # noqa: SLF001  # Django's documented name

    def unmarked(self) -> models.QuerySet[Any]:
        """The rows of the current tenant whose secret lacks the mark of SECRET_KEY, in order."""
        name, manager = self.field.name, self.model._default_manager  # noqa: SLF001  # as above
        rows = manager.exclude(**{name: ""}).exclude(**{f"{name}__startswith": mark()})
        return rows.order_by("pk")


@dataclass(frozen=True, slots=True)
class Needing:
    """A secret that SECRET_KEY does not open; a former key does, or none that is known."""

    kind: str
    owner: str
    is_readable: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Some secrets of a column: how many were sealed anew, whose cannot be opened, and the last row's key."""

    resealed: int
    unreadable: tuple[str, ...]
    reached: Any  # None: there are no more


def days_of_links() -> int:
    """The days for which a former key is needed after the change: links that were sent are good so long."""
    return settings.PASSWORD_RESET_TIMEOUT // _DAY


def columns() -> tuple[Column, ...]:
    """The columns with sealed secrets, of every application."""
    return tuple(
        Column(model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields  # noqa: SLF001  # Django's documented name
        if isinstance(field, SealedField)
    )


def unmarked(among: Sequence[Tenant]) -> Answer:
    """Those of the tenants with a secret that lacks the mark of SECRET_KEY; none is entered."""
    of_columns = columns()
    parts = (
        f"SELECT 1 FROM {{schema}}.{each.model._meta.db_table}"  # noqa: S608, SLF001  # our own names
        f" WHERE {each.field.column} <> '' AND NOT starts_with({each.field.column}, %s)"
        for each in of_columns
    )
    return schemas.where(" UNION ALL ".join(parts), _NEWEST, [mark()] * len(of_columns), among)


def needing(tenant: Tenant) -> Iterator[Needing]:
    """The tenant's secrets that SECRET_KEY does not open. Needs the tenant as the current one."""
    for column in columns():
        for row in column.unmarked().select_related().iterator():
            sealed, use = getattr(row, column.field.name), column.field.use_of(row)
            if is_of_present_key(tenant.id, use, sealed):
                continue
            yield Needing(column.kind, column.field.owner(row), _can_open(tenant, use, sealed))


def reseal(tenant: Tenant, column: Column, after: Any) -> Piece:
    """Seal the next secrets of the column anew with SECRET_KEY, behind the row with that key.

    Needs a transaction in the tenant, and holds its rows locked.
    """
    rows, name = column.unmarked().select_for_update(no_key=True, of=("self",)), column.field.name
    if after is not None:
        rows = rows.filter(pk__gt=after)
    found, changed, unreadable = list(rows[:PIECE]), [], []
    for row in found:
        use = column.field.use_of(row)
        try:
            setattr(row, name, seal(tenant.id, use, unseal(tenant.id, use, getattr(row, name))))
        except SealBroken:
            unreadable.append(column.field.owner(row))
            continue
        changed.append(row)
    column.model._default_manager.bulk_update(changed, [name])  # noqa: SLF001  # as above
    reached = found[-1].pk if len(found) == PIECE else None
    return Piece(len(changed), tuple(unreadable), reached)


def _can_open(tenant: Tenant, use: str, sealed: str) -> bool:
    try:
        unseal(tenant.id, use, sealed)
    except SealBroken:
        return False
    return True
