"""The unique indexes of a tenant's schemas: an act changes only its own, beside all writers.

An index is built before the definition that announces it is committed, and dropped after the one
that no longer does, so that what is announced is always held. An act that fails takes back what it
built; the next one finds the leftovers of a killed act and drops them first (decision 0024).
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from accounts.actions.performing import ActionRefused
from scim.extensions import storage
from scim.extensions.definitions import read_schema
from scim.extensions.models import ExtensionSchema
from scim.extensions.storage import Reach
from scim.protocol.schema import Schema
from scim.repository.columns import Unique
from tenants.current import in_tenant
from tenants.models import Tenant
from tenants.outages import is_timeout

_RANDOM: Final = 8  # hexadecimal digits of a name
_SLOW: Final = (
    "{attribute} could not be made unique in time: the tenant is large, or another transaction of the"
    " database is still open. Try again later, or use `manage.py schema define`, which has no limit."
)
_logger: Final = logging.getLogger(__name__)


class Building:
    """The unique indexes of one act on a tenant's schemas, whose transaction is open."""

    def __init__(self, tenant: Tenant) -> None:
        self.begun: list[str] = []  # built outside of the act's transaction
        self._tenant = tenant
        self._before: set[Unique] = set()
        self._after: set[Unique] = set()

    def begin(self, row: ExtensionSchema | None, unique: Iterable[Unique]) -> None:
        """Take in what is unique now and once the act is done, and drop what neither needs.

        `row` is the schema that the act is about, as it was; `unique` are its attributes from then on.
        """
        schemas = storage.defined()
        self._before = {each for schema in schemas for each in _uniques(schema)}
        others = {each for schema in schemas if schema != row for each in _uniques(schema)}
        self._after = others | set(unique)
        needed = {each.key for each in self._before | self._after}
        indexes = storage.find_indexes().items()
        _discard(
            self._tenant,
            [name for name, is_valid in indexes if not is_valid or _key(name) not in needed],
        )

    def settle(self) -> None:
        """Build what is lacking, and have dropped after the commit what the act makes superfluous.

        Raises ActionRefused when two resources are equal, or when it takes too long.
        """
        indexes = storage.find_indexes()
        held = {_key(name) for name, is_valid in indexes.items() if is_valid}
        for unique in sorted(self._after, key=lambda each: each.key):
            if unique.key not in held:
                self._build(unique)
        past = {each.key for each in self._before - self._after}
        _discard(self._tenant, [name for name in indexes if _key(name) in past], at_once=False)

    def _build(self, unique: Unique) -> None:
        is_within = storage.reach() is Reach.WRITTEN
        name = f"{unique.key}{uuid4().hex[:_RANDOM]}"
        if not is_within:
            self.begun.append(name)
        try:
            with transaction.atomic():
                storage.build(unique, name=name, within=is_within)
        except IntegrityError:
            raise ActionRefused(_doubled(unique)) from None
        except OperationalError as error:
            if not is_timeout(error):
                raise
            raise ActionRefused(_SLOW.format(attribute=unique.attribute)) from error


@contextmanager
def building(tenant: Tenant) -> Iterator[Building]:
    """An act, whose transaction begins and ends inside; what it built goes again if it fails."""
    act = Building(tenant)
    try:
        yield act
    except BaseException:
        with in_tenant(tenant):
            _discard(tenant, act.begun)
        raise


def of_schema(resource_type: str, schema: Schema) -> list[Unique]:
    """The unique attributes of a schema that extends the type."""
    return [Unique(resource_type, schema.id, each.name) for each in schema.unique_attributes]


def _uniques(row: ExtensionSchema) -> list[Unique]:
    return of_schema(row.resource_type, read_schema(row.definition))


def _key(name: str) -> str:
    """The part of an index's name that stands for its attribute."""
    return name[:-_RANDOM]


def _discard(tenant: Tenant, names: list[str], *, at_once: bool = True) -> None:
    """Drop the indexes: now, or after the commit when the own transaction stands in the way or
    still needs them.

    Needs a transaction in the tenant.
    """
    if not names:
        return
    reach = storage.reach()
    if reach is Reach.WRITTEN:
        for name in names:
            storage.drop(name, within=True)
    elif at_once and reach is Reach.NOTHING:
        _drop(names)
    else:

        def drop() -> None:
            with in_tenant(tenant):
                _drop(names)

        transaction.on_commit(drop, robust=True)


def _drop(names: Iterable[str]) -> None:
    """Drop the indexes beside all writers; one that cannot be had now is left to the next act."""
    for name in names:
        try:
            storage.drop(name, within=False)
        except DatabaseError as error:
            extra = {"index": name, "error": type(error).__name__}
            _logger.warning("A unique index could not be dropped.", extra=extra)


def _doubled(unique: Unique) -> str:
    """Why the attribute cannot be unique, with a value that is there twice.

    No value of it is a secret: an attribute that is never returned cannot be unique.
    """
    value = storage.find_double(unique)
    named = "" if value is None else f', "{value[:100]}"'
    return (
        f"Two {unique.resource_type}s have the same {unique.attribute}{named}; it cannot be unique."
    )
