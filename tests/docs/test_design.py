"""docs/design.md: its figures are those of the stylesheet, and enough for people to read by."""

import re

import pytest
from django.conf import settings

from accounts.console import page

PAGE = (settings.BASE_DIR / "docs" / "design.md").read_text()
THEME = (settings.BASE_DIR / "templates" / "static" / "screens" / "theme.css").read_text()
COLORS = {
    name: re.findall(r"#[0-9a-f]+", values)
    for name, values in re.findall(r"--([\w-]+): light-dark\(([^;]*)\);", THEME)
}
FIGURES = re.findall(
    r"^\| `--([\w-]+)` on `--([\w-]+)` \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE
)


def luminance(color):
    """The relative luminance of a color, such as #fff (WCAG 2.2)."""
    digits = color[1:]
    pairs = [digit * 2 for digit in digits] if len(digits) == 3 else re.findall("..", digits)
    parts = [int(pair, 16) / 255 for pair in pairs]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(ink, ground):
    dark, light = sorted((luminance(ink), luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("figures", FIGURES, ids=lambda each: " on ".join(each[:2]))
def test_a_contrast_is_what_the_page_says_and_enough(figures):
    ink, ground, *said = figures
    needed = 3 if ink.endswith(("-mark", "-line")) else 4.5

    found = [contrast(COLORS[ink][scheme], COLORS[ground][scheme]) for scheme in (0, 1)]

    assert [f"{each:.1f}" for each in found] == said
    assert min(found) >= needed


def test_the_page_has_a_contrast_of_every_color_for_text_and_marks():
    named = {ink for ink, *_ in FIGURES}
    roles = {name for name in COLORS if name.endswith(("ink", "mark")) or name.startswith("on-")}

    assert roles <= named


def test_the_page_names_components_that_the_kit_has():
    table = PAGE[PAGE.index("| component |") :].split("\n\n")[0]

    for name in re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines())):
        assert hasattr(page, name)
