"""A form that is refused marks the field that is wrong and says beside it what is wrong (WCAG 3.3.1)."""

import html
import re

import pytest

from accounts.actions import revoke_token, set_password
from accounts.permissions import Role
from tests.support.installed import needs
from tests.support.pages import nonce_in
from tests.support.people import PASSWORD

TENANT = {"custom_domain": "initech", "name": "Initech", "admin_email": "bill@initech.example"}
CLIENT = {"label": "Entra", "years": "1", "public_keys": ""}
STREAM = {
    "label": "SIEM",
    "method": "webhook",
    "endpoint": "https://siem.example/",
    "content": "notice",
}
ADD_TENANT = "/admin/tenants/tenant/add/"
OF_ACME = "/t/acme/admin"


def send(browser, path, form):
    return browser.post(path, {**form, "nonce": nonce_in(browser.get(path))})


def marked(page):
    """Name -> sentence of each field that is marked, as a screen reader tells it."""
    found = {}
    for control in re.findall(
        r"<(?:input|select|textarea)[^>]*aria-invalid=\"true\"[^>]*>", page.text
    ):
        name = re.search(r'name="([^"]+)"', control)[1]
        described = re.search(r'aria-describedby="([^"]+)"', control)[1].split()
        error = next(each for each in described if each.endswith("_error"))
        inside = re.search(rf'id="{error}"[^>]*>(.*?)</ul>', page.text, re.DOTALL)[1]
        found[name] = html.unescape(re.sub(r"<[^>]+>", " ", inside)).strip()
    return found


@pytest.mark.parametrize(
    ("path", "form", "field", "sentence"),
    [
        (ADD_TENANT, TENANT | {"custom_domain": "acme"}, "custom_domain", "acme is taken"),
        (ADD_TENANT, TENANT | {"custom_domain": "admin"}, "custom_domain", "is reserved"),
        (ADD_TENANT, TENANT | {"custom_domain": "Acme Ltd!"}, "custom_domain", "letters (a to z)"),
        (ADD_TENANT, TENANT | {"name": "a\x07b"}, "name", "one line"),
        (ADD_TENANT, TENANT | {"admin_email": "bill"}, "admin_email", "valid email"),
        (
            f"{OF_ACME}/accounts/account/add/",
            {"email": "tara@acme.example", "name": "", "role": "admin"},
            "email",
            "has an account tara@acme.example already",
        ),
        (
            f"{OF_ACME}/accounts/account/add/",
            {"email": "new@acme.example", "name": "a\x07b", "role": "admin"},
            "name",
            "one line",
        ),
        (
            "/admin/accounts/account/{alice}/password/",
            {"password": "short"},
            "password",
            "too short",
        ),
        (
            f"{OF_ACME}/accounts/secrettoken/add/",
            {"label": "a\x07b", "expiry": "365", "issued_for": "{tara}"},
            "label",
            "one line",
        ),
        (
            f"{OF_ACME}/accounts/oauthclient/add/",
            CLIENT | {"issued_for": "{tara}", "public_keys": "x"},
            "public_keys",
            "JWK set",
        ),
        pytest.param(
            f"{OF_ACME}/scim/eventstream/add/",
            STREAM | {"endpoint": "ftp://siem.example/", "create": "on"},
            "endpoint",
            "http",
            marks=needs("events"),
        ),
        pytest.param(
            f"{OF_ACME}/scim/eventstream/add/",
            STREAM | {"authorization": "Bearer x", "create": "on"},
            "authorization",
            "Only a push stream",
            marks=needs("events"),
        ),
        pytest.param(
            f"{OF_ACME}/scim/extensionschema/add/",
            {"resource_type": "User", "definition": "{}"},
            "definition",
            "",
            marks=needs("extensions"),
        ),
        (
            "/admin/tenants/tenant/{acme}/view-as-admin/",
            {"reason": "a\x07b"},
            "reason",
            "one line",
        ),
    ],
)
def test_a_wrong_field_is_marked_with_the_reason_beside_it(
    path, form, field, sentence, olaf, acme, tara, staff
):
    names = {"tara": tara.pk, "alice": staff[Role.SUPPORT].pk, "acme": acme.pk}
    filled = {
        key: value if key == "definition" else value.format(**names) for key, value in form.items()
    }

    page = send(olaf, path.format(**names), filled)

    assert page.status_code == 200
    assert "Not saved. Correct the marked fields." in page.text
    assert list(marked(page)) == [field]
    assert sentence in marked(page)[field]


def test_an_invitation_to_who_signs_in_already_marks_the_address(alice, tara, acme, command):
    set_password(command, acme, tara.email, PASSWORD)

    page = send(alice, f"{OF_ACME}/accounts/account/invite/", {"email": tara.email, "name": ""})

    assert list(marked(page)) == ["email"]


def test_a_refusal_about_no_field_marks_none(alice, acme, tara, minted, command):
    path = f"{OF_ACME}/accounts/secrettoken/{minted.token.pk}/rotate/"
    form = {"label": "Entra", "expiry": "365", "issued_for": tara.pk, "overlap": "7d"}
    nonce = nonce_in(alice.get(path))
    revoke_token(command, acme, minted.token.pk)

    page = alice.post(path, {**form, "nonce": nonce})

    assert "Not saved." in page.text
    assert "Correct the marked" not in page.text
    assert marked(page) == {}
    assert "has ended already" in page.text
