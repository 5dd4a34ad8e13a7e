"""Sketches of the pages of Microsoft Entra that the set-up leads through, drawn from values.

Simplified drawings of our own: where to click is numbered and named, the rest is lines. Presentation is by
class only, so they follow light and dark under the Content-Security-Policy, and a description says what they
show.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# Geometry, in the units of the drawing; letters of 13 units stay legible on a phone.
_WIDTH: Final = 500
_BAR: Final = 26
_NAVIGATION: Final = 168
_STEP: Final = 28  # from one line of the navigation, or part of the page, to the next
_EDGE: Final = 12
_LETTER: Final = 7.6  # the width of one, for buttons
_LABEL: Final = 134  # from a label to its box


@dataclass(frozen=True, slots=True)
class Button:
    """A button; buttons of one row stand beside each other."""

    label: str
    mark: int = 0  # its number in the order of clicks; 0 for none


@dataclass(frozen=True, slots=True)
class Field:
    """A label and what stands in its box; `is_list` for one that opens."""

    label: str
    value: str
    mark: int = 0
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A heading, or two values that belong together."""

    text: str
    beside: str = ""
    mark: int = 0


Part = Line | Field | tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Sketch:
    """A page: its path in the bar, its navigation with the marked place, and its parts from top to bottom."""

    name: str
    caption: str
    path: str
    navigation: tuple[str, ...]
    parts: tuple[Part, ...]
    place: str = ""  # in the navigation, which is number 1

    @property
    def height(self) -> int:
        """The height that its longer column needs."""
        return _BAR + _EDGE + _STEP * max(len(self.navigation), len(self.parts)) + _EDGE // 2

    @property
    def clicks(self) -> list[str]:
        """The names of the numbered parts, in that order."""
        found = {1: f"{self.place} in the menu"} if self.place else {}
        for part in self.parts:
            for each in part if isinstance(part, tuple) else (part,):
                if each.mark:
                    found[each.mark] = each.text if isinstance(each, Line) else each.label
        return [found[mark] for mark in sorted(found)]


_OF_APP: Final = ("Overview", "Users and groups", "Provisioning", "Provision on demand")
SKETCHES: Final[tuple[Sketch, ...]] = (
    Sketch(
        name="gallery",
        caption="Enterprise applications, New application",
        path="Home > Enterprise applications",
        navigation=("Overview", "Enterprise apps", "App registrations"),
        place="Enterprise apps",
        parts=(
            (Button("New application", 2),),
            Field("Search the gallery", "myPolicies", 3),
            (Button("myPolicies", 4), Button("Create", 5)),
        ),
    ),
    Sketch(
        name="credentials",
        caption="Provisioning, Admin Credentials",
        path="myPolicies > Provisioning",
        navigation=_OF_APP,
        place="Provisioning",
        parts=(
            Field("Provisioning Mode", "Automatic", 2, is_list=True),
            Line("Admin Credentials"),
            Field("Tenant URL", "https://…/scim", 3),
            Field("Secret Token", "••••••••••••", 4),
            (Button("Test Connection", 5), Button("Save", 6)),
        ),
    ),
    Sketch(
        name="mapping",
        caption="Provisioning, Mappings",
        path="myPolicies > Provisioning > Mappings",
        navigation=_OF_APP,
        place="Provisioning",
        parts=(
            Line("Synchronize Microsoft Entra users", "", 2),
            Line("userPrincipalName", "→ userName"),
            Line("mail", "→ work e-mail"),
            Line("objectId", "→ externalId"),
            (Button("Save", 3),),
        ),
    ),
    Sketch(
        name="assign",
        caption="Users and groups, then Provision on demand",
        path="myPolicies > Users and groups",
        navigation=_OF_APP,
        place="Users and groups",
        parts=(
            (Button("Add user/group", 2), Button("Assign", 3)),
            Line("Provision on demand", "", 4),
            Field("Select a user", "Adele Vance", 5),
            (Button("Provision", 6),),
        ),
    ),
    Sketch(
        name="status",
        caption="Provisioning, Settings",
        path="myPolicies > Provisioning > Settings",
        navigation=_OF_APP,
        place="Provisioning",
        parts=(
            Field("Scope", "Sync only assigned", 2, is_list=True),
            Field("Provisioning Status", "On", 3, is_list=True),
            (Button("Save", 4),),
        ),
    ),
)


def drawn() -> Mapping[str, SafeString]:
    """All sketches by their names."""
    return {sketch.name: _figure(sketch) for sketch in SKETCHES}


def _figure(sketch: Sketch) -> SafeString:
    """The drawing, and the numbers with their names below it."""
    name, height = f"sketch-{sketch.name}", sketch.height
    return format_html(
        '<figure class="sketch"><svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title"'
        ' aria-describedby="{}-clicks"><title id="{}-title">Sketch of Entra: {}</title>{}{}{}</svg>'
        '<figcaption><ol id="{}-clicks">{}</ol></figcaption></figure>',
        _WIDTH,
        height,
        name,
        name,
        name,
        sketch.caption,
        _frame(sketch.path, height),
        _joined(_navigation(sketch)),
        _joined(_parts(sketch.parts)),
        name,
        format_html_join("", "<li>{}</li>", ((click,) for click in sketch.clicks)),
    )


def _joined(parts: Iterator[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _frame(path: str, height: int) -> SafeString:
    return format_html(
        '<rect class="page" x="0.5" y="0.5" width="{}" height="{}" rx="8"/>'
        '<path class="edge" d="M0.5 {}H{}M{} {}V{}"/>{}',
        _WIDTH - 1,
        height - 1,
        _BAR,
        _WIDTH - 0.5,
        _NAVIGATION,
        _BAR,
        height - 0.5,
        _text(_EDGE, 17, path, "hint"),
    )


def _navigation(sketch: Sketch) -> Iterator[SafeString]:
    for row, label in enumerate(sketch.navigation):
        y = _BAR + 8 + row * _STEP
        if label == sketch.place:
            yield _box(4, y, _NAVIGATION - 8, "here")
        yield _text(_EDGE, y + 16, label, "name" if label == sketch.place else "hint")
        if label == sketch.place:
            yield _mark(_NAVIGATION - 16, y + 12, 1)


def _parts(parts: Sequence[Part]) -> Iterator[SafeString]:
    left = _NAVIGATION + _EDGE
    for row, part in enumerate(parts):
        y = _BAR + 8 + row * _STEP
        match part:
            case Line(text, beside, mark):
                yield _text(left, y + 16, text, "name" if mark or not beside else "hint")
                yield _text(left + _LABEL, y + 16, beside, "name")
                if mark:
                    yield _mark(_WIDTH - 16, y + 12, mark)
            case Field():
                yield from _field(left, y, part)
            case _:
                yield from _buttons(left, y, part)


def _field(left: int, y: int, field: Field) -> Iterator[SafeString]:
    at = left + _LABEL
    yield _text(left, y + 16, field.label, "hint")
    yield _box(at, y, _WIDTH - at - 32, "field")
    yield _text(at + 8, y + 16, field.value, "name")
    if field.is_list:
        yield format_html('<path class="opens" d="M{} {}l4 4 4-4"/>', _WIDTH - 48, y + 10)
    if field.mark:
        yield _mark(_WIDTH - 16, y + 12, field.mark)


def _buttons(left: int, y: int, buttons: Sequence[Button]) -> Iterator[SafeString]:
    for button in buttons:
        width = round(len(button.label) * _LETTER) + 20
        yield _box(left, y, width, "go" if button.mark else "field")
        yield _text(left + 10, y + 16, button.label, "name")
        if button.mark:
            yield _mark(left + width + 14, y + 12, button.mark)
        left += width + 36


def _box(x: int, y: int, width: int, kind: str) -> SafeString:
    return format_html(
        '<rect class="{}" x="{}" y="{}" width="{}" height="24" rx="4"/>', kind, x, y, width
    )


def _text(x: int, y: int, text: str, kind: str) -> SafeString:
    return format_html('<text class="{}" x="{}" y="{}">{}</text>', kind, x, y, text)


def _mark(x: int, y: int, number: int) -> SafeString:
    """A number on a disc."""
    return format_html(
        '<circle class="disc" cx="{}" cy="{}" r="9"/>'
        '<text class="number" x="{}" y="{}" text-anchor="middle">{}</text>',
        x,
        y,
        x,
        y + 4,
        number,
    )
