"""Three runs whose ways are measured: a PATCH of a user, a token minted, the portal's first page."""

import re
from collections.abc import Iterator
from typing import Final

from django.test import Client

from tenants import lifecycle
from tenants.models import Tenant
from tests.support import clients, people
from tests.support.figures.tracing import Way, traced
from tests.support.payloads import BJENSEN, patch

_FORM: Final = "/t/acme/admin/accounts/secrettoken/add/"
_NONCE: Final = re.compile(r'name="nonce" value="([^"]+)"')


def ways(acme: Tenant) -> Iterator[tuple[str, Way]]:
    """Each run with its name, made once beforehand so that nothing is counted that is kept."""
    yield "PATCH of a user: active, family name and work e-mail", _patch(acme)
    yield "Generate secret token, on the staff site", _mint(acme)
    yield "First page of the tenant's portal", _portal(acme)


def _patch(acme: Tenant) -> Way:
    client = clients.ScimClient(acme, clients.mint(acme))
    path = f"/Users/{client.post('/Users', BJENSEN).json['id']}"

    def change(number: int) -> None:
        answer = client.patch(
            path,
            patch(
                {"op": "Replace", "path": "active", "value": "True"},
                {"op": "Replace", "path": "name.familyName", "value": f"Jensen {number}"},
                {
                    "op": "Replace",
                    "path": 'emails[type eq "work"].value',
                    "value": f"babs{number}@acme.example",
                },
            ),
        )
        _expect(answer.status, 200)

    change(1)
    return traced(lambda: change(2))


def _mint(acme: Tenant) -> Way:
    operator = lifecycle.create_operator_tenant()
    admin = people.tenant_admin(acme)
    browser = clients.signed_in(operator, people.support_staff(operator))

    def mint(nonce: str) -> None:
        form = {"label": "Entra", "expiry": "365", "issued_for": admin.pk}
        _expect(browser.post(_FORM, {**form, "nonce": nonce}).status_code, 200)

    mint(_nonce(browser))
    nonce = _nonce(browser)
    return traced(lambda: mint(nonce))


def _nonce(browser: Client) -> str:
    found = _NONCE.search(browser.get(_FORM).text)
    if found is None:
        raise AssertionError("The form to generate a secret token has no nonce.")
    return found[1]


def _portal(acme: Tenant) -> Way:
    browser = clients.signed_in(acme, people.tenant_admin(acme))

    def look() -> None:
        _expect(browser.get("/admin/").status_code, 200)

    look()
    return traced(look)


def _expect(status: int, wanted: int) -> None:
    if status != wanted:
        raise AssertionError(f"The measured request was answered {status}.")
