"""Pages and forms with values that nobody types: each is answered, and none is a failure of the server."""

import html
import re
from itertools import cycle

import pytest
from django.db import transaction

from accounts.permissions import Role
from tenants import rates, resolution
from tests.screens.test_permissions import OWN_HOST, STAFF_SITE, VISIT, names

__all__ = ["names"]
# NUL, half a surrogate pair, a number and a moment beyond all types, JSON and an address that are none.
ODD = (
    b"a\x00b",
    b"\xed\xa0\x80",
    b"9" * 400,
    b"9999-12-31T23:59:59+14:00",
    b'{"a": 1e999999, "a": "\\ud800\\u0000"}',
    b"http://[::1/999.999.999.999/99",
)
# In the place of an id: the same, and Django's own way to quote one.
ODD_IDS = (
    "%00",
    "%ED%A0%80",
    "9" * 400,
    "-1",
    "_00",
    "_",
    "..%2f..",
    "%0d%0aX:%20y",
    "'--",
    "x" * 3000,
)
_ATTRIBUTE = r'\b{}="([^"]*)"'
_TAG = r"<(?:input|select|textarea|button)\b[^>]*>"


def forms_of(text, method):
    """The fields of the page's forms of that method, with the values that they begin with."""
    found = re.findall(r"(<form\b[^>]*>)(.*?)</form>", text, re.DOTALL)
    bodies = [body for head, body in found if ('method="post"' in head) == (method == "post")]
    tags = re.findall(_TAG, " ".join(bodies))
    fields = [(_attribute(tag, "name"), _attribute(tag, "value")) for tag in tags]
    return {name: value for name, value in fields if name}


def _attribute(tag, name):
    found = re.search(_ATTRIBUTE.format(name), tag)
    return html.unescape(found[1]) if found else ""


def parameters_of(text):
    """The parameters that links and forms of the page name."""
    links = html.unescape(" ".join(re.findall(r'href="[^"]*\?([^"]*)"', text)))
    return {*re.findall(r"(?:^|[ &?])([\w.-]+)=", links), *forms_of(text, "get")}


def answered(send):
    """The status; what was done is undone."""
    with transaction.atomic():
        answer = send()
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
    resolution.forget()
    rates.buckets.forget()
    return answer.status_code


def statuses(browser, path):
    """The statuses with which a page answers odd values: all parameters at once, and each field of its forms."""
    page = browser.get(path)
    if page.status_code != 200 or page.streaming or "html" not in page["Content-Type"]:
        return set()
    asked = parameters_of(page.text)
    kept = forms_of(page.text, "post")
    typed = [name for name in kept if name not in {"csrfmiddlewaretoken", "nonce"}]
    gets = {
        answered(lambda odd=odd: browser.get(path, dict.fromkeys(asked, odd))) for odd in ODD[:3]
    }
    posts = {
        answered(lambda name=name, odd=odd: browser.post(path, {**kept, name: odd}))
        for name, odd in zip(typed, cycle(ODD), strict=False)
    }
    return gets | posts


@pytest.fixture
def visitors(operator, acme, staff, tara, names, open_browser):
    return {
        "staff": (open_browser(operator, staff[Role.OPERATOR]), STAFF_SITE),
        "visit": (open_browser(operator, staff[Role.OPERATOR]), VISIT),
        "admin": (open_browser(acme, tara), OWN_HOST),
    }


@pytest.mark.parametrize("visitor", ["staff", "visit", "admin"])
def test_no_page_and_no_form_fails(visitor, visitors, names):
    browser, paths = visitors[visitor]

    met = {path: statuses(browser, path.format(**names)) for path in paths}

    assert sum(bool(each) for each in met.values()) > 20
    assert {path: found for path, found in met.items() if found - {200, 302, 400, 403, 404}} == {}


@pytest.mark.parametrize("visitor", ["staff", "visit", "admin"])
def test_no_id_in_a_url_fails(visitor, visitors, names):
    browser, paths = visitors[visitor]
    keyed = [path for path in paths if "{" in path]

    met = {
        (path, odd): browser.get(path.format_map(dict.fromkeys(names, odd))).status_code
        for path in keyed
        for odd in ODD_IDS
    }

    assert {asked: status for asked, status in met.items() if status not in {302, 403, 404}} == {}
