"""A server of its own, as `manage.py up` starts it, and Chromium."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.support.server import new_server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def server():
    with new_server() as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def chromium():
    """Chromium, closed after the module: while it is open Django believes to be in a coroutine."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, timeout=120_000
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open a window without cookies; one that meets a script error fails its test."""
    contexts, errors = [], []

    def new_page():
        context = chromium.new_context()
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert errors == []
