"""The pages of docs/ show pictures that are there."""

import re

from django.conf import settings

DOCS = settings.BASE_DIR / "docs"
_PICTURE = re.compile(r"!\[[^\]]+\]\((?:docs/)?screenshots/([a-z-]+)\.png\)")


def shown():
    """The names of the pictures that the pages show, each with words for who cannot see it."""
    pages = [settings.BASE_DIR / "README.md", *DOCS.glob("*.md")]
    return {name for page in pages for name in _PICTURE.findall(page.read_text())}


def test_every_picture_that_a_page_shows_is_there():
    taken = {file.stem for file in (DOCS / "screenshots").glob("*.png")}

    assert shown() - taken == set()
    assert {"request", "overview-staff", "overview-tenant", "log-refused"} <= shown()


def test_pages_for_staff_tenant_admins_and_set_up_show_pictures():
    for page in ("staff.md", "tenant-admins.md", "entra.md"):
        assert _PICTURE.search((DOCS / page).read_text())
