"""The pictures of the docs, and their taking."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.support.people import PASSWORD
from tests.support.pictures import small_png
from tests.support.server import Server, new_server
from tests.support.signing_in import sign_in

FOLDER: Final = settings.BASE_DIR / "docs" / "screenshots"
_STAFF: Final = "olaf@mypolicies.example"
_TARA: Final = "tara@acme.example"
_VISIT: Final = "/t/acme/admin"
_FIRST: Final = "#result_list tbody a"
PEOPLE: Final = 400  # in the big tenant: enough for every page of a list


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: `name`.png of a path on the staff host, or on acme's for its admin tara.

    `then` goes on from there, to a page that has no path of its own.
    """

    name: str
    path: str
    is_portal: bool = False
    then: Callable[[Page], None] = lambda _page: None
    scheme: Any = "light"
    size: tuple[int, int] = (1280, 800)


def _open_first(page: Page) -> None:
    page.locator(_FIRST).first.click()


def _open_beside(page: Page) -> None:
    _open_first(page)
    page.get_by_role("dialog").get_by_role("heading", name="The request").wait_for()


def _open_as_page(page: Page) -> None:
    _open_beside(page)
    page.get_by_role("link", name="Open as page").click()
    page.wait_for_url("**/change/")


def _show_history(page: Page) -> None:
    _open_first(page)
    page.locator(
        "section", has=page.get_by_role("heading", name="History")
    ).scroll_into_view_if_needed()


def _open_menu(page: Page) -> None:
    page.locator("#user-tools details.menu > summary").click()


def _generate(page: Page) -> None:
    page.locator("select[name=issued_for]").select_option(index=1)
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("it is shown only once").wait_for()


SHOTS: Final = (
    Shot("overview-staff", "/admin/"),
    Shot("tenants", "/admin/tenants/tenant/"),
    Shot("tenant", "/admin/tenants/tenant/?q=acme", then=_open_first),
    Shot("secret-token-new", f"{_VISIT}/accounts/secrettoken/add/"),
    Shot("secret-token-once", f"{_VISIT}/accounts/secrettoken/add/", then=_generate),
    Shot("users", f"{_VISIT}/scim/user/"),
    Shot("user", f"{_VISIT}/scim/user/", then=_open_first),
    Shot("log-refused", f"{_VISIT}/scim/provisioningevent/?outcome=refused"),
    Shot("request", f"{_VISIT}/scim/provisioningevent/?status=400", then=_open_as_page),
    Shot("request-beside", f"{_VISIT}/scim/provisioningevent/?status=400", then=_open_beside),
    Shot("group-history", f"{_VISIT}/scim/group/", then=_show_history, scheme="dark"),
    Shot("account-menu", "/admin/tenants/tenant/", then=_open_menu, scheme="dark"),
    Shot("not-found", "/admin/nothing/", is_portal=True),
    Shot("overview-tenant", "/admin/", is_portal=True),
    Shot("log-dark", "/admin/scim/provisioningevent/", is_portal=True, scheme="dark"),
    Shot("users-narrow", "/admin/scim/user/", is_portal=True, size=(390, 844)),
)


def take_all(folder: Path = FOLDER, people: int = PEOPLE) -> None:
    """Write every picture; this takes about a minute, most of it for the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    with new_server(STAFF_EMAIL=_STAFF, STAFF_PASSWORD=PASSWORD) as server:
        server.start()
        _seed(server, people)
        with _chromium() as browser:
            windows = {
                is_portal: _signed_in(browser, server, is_portal) for is_portal in (False, True)
            }
            blank = browser.new_page()
            for shot in SHOTS:
                png = _taken(windows[shot.is_portal], server, shot)
                (folder / f"{shot.name}.png").write_bytes(small_png(blank, png))


def _seed(server: Server, people: int) -> None:
    command = [sys.executable, "-m", "tests.support.seed", str(people)]
    subprocess.run(command, cwd=settings.BASE_DIR, env=server.environment, check=True)


def _signed_in(browser: Browser, server: Server, is_portal: bool) -> Page:  # noqa: FBT001
    page = browser.new_page()
    url = server.url("acme" if is_portal else "admin", "/admin/login/")
    sign_in(page, url, _TARA if is_portal else _STAFF, PASSWORD)
    page.locator("#sections").wait_for()
    return page


def _taken(page: Page, server: Server, shot: Shot) -> bytes:
    page.emulate_media(color_scheme=shot.scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": shot.size[0], "height": shot.size[1]})
    page.goto(server.url("acme" if shot.is_portal else "admin", shot.path))
    shot.then(page)
    page.wait_for_load_state()
    return page.screenshot()


@contextmanager
def _chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        sys.exit("Chromium is not installed.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
