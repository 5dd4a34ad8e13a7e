"""Passkeys with an authenticator in software: what is accepted, and what is refused."""

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction

from accounts.models import Factor
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients, people
from tests.support.authenticators import ADD, Authenticator, add, options_on
from tests.support.pages import nonce_in

SECOND = "/admin/login/second/"


def half_signed_in(tenant):
    browser = clients.client_for(tenant)
    form = {"username": "tara@acme.example", "password": people.PASSWORD}
    assert browser.post("/admin/login/", form).headers["Location"] == SECOND
    return browser


def factors(tenant):
    with transaction.atomic(), in_tenant(tenant):
        return list(Factor.objects.values_list("kind", "name"))


@pytest.fixture
def key(acme, admin_client):
    """An authenticator whose passkey is tara's."""
    made = Authenticator(acme)
    add(admin_client(acme), made)
    return made


def test_a_passkey_is_added_with_recovery_codes(acme, admin_client):
    done = add(admin_client(acme), Authenticator(acme))

    assert "Store these codes" in done.text
    assert factors(acme) == [("passkey", "Key")]


def test_after_the_password_the_passkey_lets_in(acme, key):
    browser = half_signed_in(acme)

    answer = browser.post(SECOND, {"credential": key.signed(options_on(browser.get(SECOND)))})

    assert answer.headers["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_an_answer_lets_in_once(acme, key):
    browser = half_signed_in(acme)
    signed = key.signed(options_on(browser.get(SECOND)))
    browser.post(SECOND, {"credential": signed})

    again = half_signed_in(acme)
    again.get(SECOND)

    assert "The passkey was not accepted." in again.post(SECOND, {"credential": signed}).text


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("origin", "https://evil.example"),
        ("host", "evil.example"),
        ("host", "globex.mypolicies.localhost"),
        ("id", b"another credential"),
        ("count", -1),
        ("key", ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_an_answer_for_elsewhere_of_a_copy_or_of_another_key_is_refused(
    acme, key, attribute, value
):
    browser = half_signed_in(acme)
    with transaction.atomic(), in_tenant(acme):
        Factor.objects.update(counter=1)
    key.count = 5
    if attribute == "count":
        key.count = 0  # signs as the first time, which was long ago
    else:
        setattr(key, attribute, value)

    answer = browser.post(SECOND, {"credential": key.signed(options_on(browser.get(SECOND)))})

    assert "The passkey was not accepted." in answer.text
    assert browser.get("/admin/").status_code == 302


@pytest.mark.parametrize("sent", ["", "{}", "[]", "null", "nonsense", '{"id": 1}'])
def test_nonsense_is_refused_and_counted(acme, key, sent):
    browser = half_signed_in(acme)
    browser.get(SECOND)

    with time_machine.travel(clock.now(), tick=False):
        answers = [browser.post(SECOND, {"credential": sent}).status_code for _ in range(5)]

    assert answers == [200] * 4 + [429]


@pytest.mark.parametrize("sent", ["", "{}", "nonsense"])
def test_nonsense_makes_no_passkey(acme, admin_client, sent):
    browser = admin_client(acme)
    nonce = nonce_in(browser.get(ADD))

    answer = browser.post(ADD, {"nonce": nonce, "name": "Key", "credential": sent})

    assert "The browser made no passkey that works here." in answer.text
    assert factors(acme) == []


def test_a_passkey_made_elsewhere_is_refused(acme, admin_client):
    other = Authenticator(acme)
    other.origin = "https://evil.example"

    answer = add(admin_client(acme), other)

    assert "The browser made no passkey that works here." in answer.text


def test_a_passkey_confirms_that_it_is_you(acme, key, admin_client):
    browser = admin_client(acme)
    signed = key.signed(options_on(browser.get("/admin/confirm/")))

    answer = browser.post("/admin/confirm/?next=/admin/you/", {"credential": signed})

    assert answer.headers["Location"] == "/admin/you/"
