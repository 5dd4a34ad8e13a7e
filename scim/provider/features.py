"""A feature is a folder whose module `feature` says what it gives to the rest of the house.

`settings.FEATURES` is the table of them: without its line nothing of a feature runs, and no code
outside of a feature's folder names it. A feature subclasses Feature and overrides what it gives:

    FEATURE = Guard()  # scim/guard/feature.py

A feature that adds to the pages of other screens gives a Panel (accounts.console.screen) in `register`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http.response import HttpResponseBase

from accounts.refusals import Refusal
from scim.protocol.schema import Extension
from scim.provider.observers import Observer
from tenants.management.kit import HouseCommand
from tenants.models import Tenant

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Job:
    """Work that `manage.py run_jobs` does for tenants, a piece of each in turn.

    `tenants` finds those with work; `advance` does a piece and is False when nothing was to be done.
    """

    name: str  # in the log
    tenants: Callable[[], Iterable[Tenant]]
    advance: Callable[[Tenant], bool]


@dataclass(frozen=True, slots=True)
class Round:
    """Work that a thread of each serving process does every few seconds, and once when it ends.

    It closes the database connection that it has used.
    """

    seconds: float
    each_time: Callable[[], None]
    at_the_end: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Added:
    """An extension of the current tenant's resources of a type, beside the built-in ones.

    `remembered` has every secret attribute that the schema ever had; one that is no longer in force
    only remembers.
    """

    resource_type: str
    extension: Extension
    remembered: Extension
    is_in_force: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A person who is to be erased: the ids of its records, and the values that identify it."""

    ids: frozenset[UUID]
    values: frozenset[str] = field(repr=False)


class Feature:
    """Gives nothing; each method is overridden by features that give it."""

    workers: tuple[str, ...] = ()  # commands that run beside the server until they are stopped

    def observer(self) -> Observer | None:
        """The observer of changes, refusals and requests, if there is one."""
        return None

    def endpoints(self) -> Mapping[str, View]:
        """Views by their paths below /scim, in any letter case."""
        return {}

    def register(self, staff_site: AdminSite, tenant_site: AdminSite) -> None:
        """Add screens, and panels to screens, to the sites."""

    def extensions(self) -> Iterable[Added]:
        """The extensions of the current tenant's resource types, in the order of their creation.

        Asked for tenants that have a revision of schemas, once a process and revision.
        """
        return ()

    def event_uris(self) -> Sequence[str]:
        """The events that receivers are told of now, for discovery (RFC 9967 §4)."""
        return ()

    def refusals(self) -> Iterable[Refusal]:
        """The rows of its refusals in the catalogue (scim.refusals)."""
        return ()

    def rounds(self) -> Iterable[Round]:
        """The work for the threads of serving processes."""
        return ()

    def prune(self, before: datetime) -> Mapping[str, int]:
        """Remove the current tenant's rows that are older than its history may be.

        Return their numbers, by what they are.
        """
        return {}

    def erase(self, person: Person) -> Mapping[str, int]:
        """Remove the person's data from the current tenant's rows of the feature.

        Return their numbers, by what they are.
        """
        return {}

    def verbs(self, group: str) -> Mapping[str, type[HouseCommand]]:
        """The verbs that it adds to a group of commands of several features."""
        return {}

    def gauges(self) -> Mapping[str, tuple[str, float]]:
        """Figures of the moment for monitoring: their meanings and values by name (config.metrics)."""
        return {}

    def jobs(self) -> Iterable[Job]:
        """The work for `manage.py run_jobs`."""
        return ()


@cache
def features() -> tuple[Feature, ...]:
    """The features of `settings.FEATURES`, in that order. Needs the models to be loaded."""
    modules: list[Any] = [import_module(f"{name}.feature") for name in settings.FEATURES]
    return tuple(module.FEATURE for module in modules)


def verbs_of(group: str) -> Mapping[str, type[HouseCommand]]:
    """The verbs that features add to the group of commands."""
    return {name: verb for each in features() for name, verb in each.verbs(group).items()}


@cache
def observers() -> tuple[Observer, ...]:
    """The observers of the features, in the features' order."""
    found = (feature.observer() for feature in features())
    return tuple(observer for observer in found if observer is not None)
