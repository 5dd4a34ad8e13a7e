"""The table in docs/architecture.md of what each feature gives, made of the features themselves."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings

from config import sites
from scim.provider.features import Feature, features

PAGE: Final[Path] = settings.BASE_DIR / "docs" / "architecture.md"
_BEGIN: Final = (
    "<!-- `make docs` makes this table of the features (tests/support/features.py). -->\n"
)
_END: Final = "<!-- end of the table -->\n"
_HEADINGS: Final = (
    *("feature", "observer", "endpoints", "screens", "on other pages"),
    *("commands", "models", "jobs", "also"),
)
# Methods of a feature that have a column of their own.
_COLUMNS: Final = frozenset({"observer", "endpoints", "register", "jobs", "verbs"})


def page() -> str:
    """The text of docs/architecture.md with the table as it should be."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{_table()}{_END}{after}"


def folder(feature: Feature) -> str:
    """The package that is the feature, such as "scim.guard"."""
    return type(feature).__module__.rpartition(".")[0]


def _table() -> str:
    rows = [_HEADINGS, ("---",) * len(_HEADINGS), *map(_row, features())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _row(feature: Feature) -> tuple[str, ...]:
    package = folder(feature)
    observer = feature.observer()
    return (
        f"`{package.replace('.', '/')}`: {inspect.getdoc(feature)}",
        _named([type(observer).__name__] if observer else []),
        _named(f"/{path}" for path in feature.endpoints()),
        _named(dict.fromkeys(_screens(package))),
        _named(dict.fromkeys(_panels(package))),
        _named([*_commands(package), *_verbs(feature)]),
        _named(each.__name__ for each in apps.get_models() if _is_of(package, each)),
        _named(job.name for job in feature.jobs()),
        _named(name for name in _given(feature) if name not in _COLUMNS),
    )


def _screens(package: str) -> Iterator[str]:
    for site in (sites.staff_site, sites.tenant_site):
        for admin in site._registry.values():
            if _is_of(package, type(admin)):
                yield type(admin).__name__


def _panels(package: str) -> Iterator[str]:
    for site in (sites.staff_site, sites.tenant_site):
        panels = [
            each for admin in site._registry.values() for each in getattr(admin, "panels", ())
        ]
        for added in (*panels, *site.parts):
            if _is_of(package, type(added)):
                yield type(added).__name__


def _commands(package: str) -> Iterator[str]:
    found = settings.BASE_DIR.joinpath(*package.split("."), "management", "commands")
    return (path.stem for path in sorted(found.glob("[!_]*.py")))


def _verbs(feature: Feature) -> Iterator[str]:
    groups = ("user",)
    return (f"{group} {verb}" for group in groups for verb in feature.verbs(group))


def _given(feature: Feature) -> Iterator[str]:
    return (name for name in vars(Feature) if name in vars(type(feature)) and name[0] != "_")


def _is_of(package: str, class_: type[Any]) -> bool:
    return class_.__module__.startswith(f"{package}.")


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
