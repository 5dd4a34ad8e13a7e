"""The content of a page: values for one template (templates/admin/record.html), and markup.

The look of the small pieces of markup is in templates/static/screens/screens.css.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.difference import Difference
from accounts.console.document import marked

# How something is doing. The stylesheet gives each a color and a shape; the text says it in words.
State = Literal["ok", "warning", "failing", "unknown", "lock"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its value; `copyable` values get a copy button."""

    label: str
    value: Any = field(repr=False)  # once, it is a secret token
    copyable: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and values, in two columns where there is room."""

    caption: str
    facts: tuple[Fact, ...]
    shown_once: bool = False  # a secret that nobody can look up later


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `empty` is the sentence that stands there when there are no rows."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    empty: str
    more: SafeString | None = None  # a link to further rows
    folded_from: int = 0  # rows that are in sight before the others fold; 0 for all

    @property
    def first(self) -> tuple[tuple[Any, ...], ...]:
        """The rows in sight."""
        return self.rows[: self.folded_from] if self.folded_from else self.rows

    @property
    def rest(self) -> tuple[tuple[Any, ...], ...]:
        """The rows behind the fold."""
        return self.rows[self.folded_from :] if self.folded_from else ()


@dataclass(frozen=True, slots=True)
class Text:
    """A block of text shown as it is, with a copy button."""

    caption: str
    text: str
    name: str  # unique on the page; letters and hyphens


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON value with a copy button, read by color and by folds."""

    caption: str
    value: Any = field(repr=False)
    name: str  # unique on the page; letters and hyphens

    @property
    def markup(self) -> SafeString:
        """Its lines (accounts.console.document)."""
        return marked(self.value)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two sections that belong together, beside each other where there is room."""

    left: "Section"
    right: "Section"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Values before and after, only those that differ; `empty` is the sentence for none."""

    caption: str
    rows: tuple[Difference, ...]
    empty: str
    was: str = "Before"
    became: str = "After"


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines behind a summary that says what they are."""

    summary: str
    lines: tuple[SafeString | str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: what, in a line, and what became different by it."""

    at: datetime
    what: SafeString
    differences: tuple[Difference, ...] = ()
    folds: tuple[Fold, ...] = ()
    state: State = "ok"


@dataclass(frozen=True, slots=True)
class Timeline:
    """Past events, newest first; the sentence `empty` stands there when there are none."""

    caption: str
    moments: tuple[Moment, ...]
    empty: str
    more: SafeString | None = None  # a link to what happened before


Section = Facts | Table | Text | Json | SideBySide | Comparison | Timeline


@dataclass(frozen=True, slots=True)
class Button:
    """A button that leads to a form or a confirmation page; a dangerous one looks like it."""

    label: str
    path: str
    is_dangerous: bool = False


@dataclass(frozen=True, slots=True)
class Live:
    """A part of a page that is fetched again every few seconds until it says that it is done."""

    path: str
    template: str
    progress: Any


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence across the page and what to do about it."""

    state: State
    title: str
    sentence: str | SafeString
    way_on: SafeString | str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The first lines of a page: the state, three or four facts, and the last problem."""

    state: SafeString | str = ""
    facts: tuple[Fact, ...] = ()
    problem: Banner | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page about one row."""

    title: str
    sections: tuple[Section, ...]
    buttons: tuple[Button, ...] = ()  # before those of the table of actions
    notice: str = ""
    links: tuple[SafeString, ...] = ()
    onward: SafeString | None = None  # what to do when the page is read, at its end
    live: Live | None = None
    parent: SafeString | None = None  # a link to the row's page, when this one lies below it
    closing: tuple[Section, ...] = ()  # below what panels add (accounts.console.screen)
    header: Header | None = None
    newer: str = ""  # the paths of the pages of the rows beside it
    older: str = ""


@dataclass(frozen=True, slots=True)
class Stat:
    """A number, and a note about it, which may be a link."""

    label: str
    value: Any
    note: str | SafeString = ""
    state: State | str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page of a site, from top to bottom (templates/console/overview.html)."""

    leading: tuple[Section, ...] = ()  # what somebody has to do something about
    stats: tuple[Stat, ...] = ()
    chart: SafeString | str = ""
    charts: tuple[SafeString, ...] = ()  # smaller ones below it
    sections: tuple[Section, ...] = ()
    banners: tuple[Banner, ...] = ()

    @property
    def has_content(self) -> bool:
        """True if there is anything on it."""
        return self != Overview()


def link(path: str, text: Any) -> SafeString:
    """An anchor; path and text are escaped."""
    return format_html('<a href="{}">{}</a>', path, text)


def screen_link(name: str, text: Any, *args: Any, query: str = "") -> Any:
    """A link to a page by its URL name; the text alone when the site has no such page.

    For links into a feature from outside of it: an installation may be without the feature.
    """
    try:
        path = reverse(name, args=args)
    except NoReverseMatch:
        return text
    return link(path + query, text)


def url_name(model: type[Model], view: str) -> str:
    """The name of a URL of the screen of those rows, such as `admin:scim_user_changelist`."""
    meta = model._meta  # noqa: SLF001  # Django's public interface, for all its underscore
    return f"admin:{meta.app_label}_{meta.model_name}_{view}"


def list_path(model: type[Model]) -> str:
    """The path of the list of those rows."""
    return reverse(url_name(model, "changelist"))


def record_path(model: type[Model], key: Any) -> str:
    """The path of the page about the row with that key."""
    return reverse(url_name(model, "change"), args=[key])


def when_stored(path: str, what: str, label: str) -> SafeString:
    """The way on from a page that shows a secret once: the browser asks for the check mark first."""
    return format_html(
        '<form action="{}"><div class="check"><input type="checkbox" id="stored" required>'
        ' <label for="stored">I have stored {}</label></div>'
        '<p class="acts"><button type="submit" class="button">{}</button></p></form>',
        path,
        what,
        label,
    )


def joined(overviews: Iterable[Overview]) -> Overview:
    """One overview of all; what is failing comes before what is a warning."""
    found = [each for each in overviews if each.has_content]
    banners = [banner for each in found for banner in each.banners]
    return Overview(
        banners=tuple(sorted(banners, key=lambda banner: banner.state != "failing")),
        leading=tuple(section for each in found for section in each.leading),
        stats=tuple(stat for each in found for stat in each.stats),
        chart=next((each.chart for each in found if each.chart), ""),
        charts=tuple(chart for each in found for chart in each.charts),
        sections=tuple(section for each in found for section in each.sections),
    )


def badge(state: State, text: Any) -> SafeString:
    """A word or two about a state, to stand in a line or in a cell."""
    return format_html('<span class="badge" data-state="{}">{}</span>', state, text)


def person(name: str, login: str) -> SafeString:
    """A person in a cell: initials, the name, and the login below it; the login alone without a name."""
    below = format_html("<small>{}</small>", login) if name else ""
    return format_html(
        '<span class="person"><span class="initials" aria-hidden="true">{}</span>'
        "<span>{}{}</span></span>",
        initials(name, login),
        name or login,
        below,
    )


def initials(name: str, login: str) -> str:
    """Two letters for a person: of the first and the last name, else of the login."""
    words = (name or login).replace(".", " ").replace("@", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:] if name else words[:2])).upper()


def pretty(value: Any) -> str:
    """JSON for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def brief(value: Any) -> str:
    """A JSON value in one line: text as it is, None as a dash, the rest as JSON."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
