"""A forgotten password: a link by mail, equal answers for unknown accounts, and what the link does."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail as outbox
from django.db import transaction
from django.test import override_settings

from accounts import mailing
from accounts.models import AuditEntry
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients, people

NEW = "a much longer phrase 7"


@pytest.fixture(autouse=True)
def moving():
    """A clock that moves only when the test says so."""
    in_memory = override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
    with in_memory, time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def ask(tenant, email="tara@acme.example", address="203.0.113.7"):
    browser = clients.client_for(tenant)
    return browser.post("/admin/forgot/", {"email": email}, REMOTE_ADDR=address)


def sent():
    """The path of the link in each message that is sent now, with its recipients."""
    outbox.outbox = []
    mailing.send_due(clock.now())
    return [(each.to, re.search(r"/admin/reset/\S+", each.body)[0]) for each in outbox.outbox]


def choose(tenant, path, password=NEW):
    form = {"new_password1": password, "new_password2": password}
    return clients.client_for(tenant).post(path, form)


def sign_in(tenant, password):
    form = {"username": "tara@acme.example", "password": password}
    return clients.client_for(tenant).post("/admin/login/", form).status_code


def acts(tenant):
    with transaction.atomic(), in_tenant(tenant):
        return list(AuditEntry.objects.order_by("id").values_list("act", "subject"))


def test_the_link_in_the_message_sets_a_password_once(acme, admin_client):
    signed_in = admin_client(acme)
    ask(acme)
    [(to, path)] = sent()

    page = clients.client_for(acme).get(path)
    done, again = choose(acme, path), choose(acme, path)

    assert to == ["tara@acme.example"]
    assert "Choose your password" in page.text
    assert (done.status_code, done.headers["Location"]) == (302, "/admin/login/")
    assert again.status_code == 410
    assert [sign_in(acme, people.PASSWORD), sign_in(acme, NEW)] == [200, 302]
    assert signed_in.get("/admin/").status_code == 302
    assert acts(acme)[:2] == [
        ("password link asked for", "tara@acme.example"),
        ("password reset by link", "tara@acme.example"),
    ]


def test_the_answer_for_an_unknown_account_is_the_same_and_nothing_is_sent(acme):
    people.tenant_admin(acme)
    known, unknown = ask(acme), ask(acme, "nobody@acme.example")

    assert known.status_code == unknown.status_code == 200
    assert known.text.replace("tara", "") == unknown.text.replace("nobody", "")
    assert [to for to, _ in sent()] == [["tara@acme.example"]]
    assert acts(acme)[-1] == ("password link asked for", "unknown account")


def test_a_link_ends_after_an_hour(acme, moving):
    people.tenant_admin(acme)
    ask(acme)
    [(_, path)] = sent()
    moving.shift(timedelta(minutes=61))

    assert clients.client_for(acme).get(path).status_code == 410


def test_a_link_ends_with_a_sign_in(acme, moving):
    people.tenant_admin(acme)
    ask(acme)
    [(_, path)] = sent()
    moving.shift(timedelta(minutes=1))
    sign_in(acme, people.PASSWORD)

    assert choose(acme, path).status_code == 410


def test_a_link_of_one_tenant_is_none_in_another(acme, globex):
    people.tenant_admin(acme)
    ask(acme)
    [(_, path)] = sent()

    assert choose(globex, path).status_code == 410


def test_a_weak_password_is_refused_and_the_link_stays(acme):
    people.tenant_admin(acme)
    ask(acme)
    [(_, path)] = sent()

    weak = choose(acme, path, "short")

    assert "too short" in weak.text
    assert choose(acme, path).status_code == 302


def test_three_links_in_five_minutes_are_sent_to_an_account(acme, moving):
    people.tenant_admin(acme)
    answers = {ask(acme).status_code for _ in range(5)}
    at_once = len(sent())
    moving.shift(timedelta(minutes=6))
    ask(acme)

    assert (answers, at_once, len(sent())) == ({200}, 3, 1)


def test_an_address_asks_for_twenty_links_an_hour(acme, globex):
    asked = [ask(acme, f"somebody{each}@acme.example").status_code for each in range(21)]

    assert (asked[:20], asked[20]) == ([200] * 20, 429)
    assert ask(globex).status_code == 200


def test_the_sign_in_page_leads_there(acme, client_for):
    assert 'href="/admin/forgot/"' in client_for(acme).get("/admin/login/").text


def test_no_visit_reaches_these_pages(staff_client, acme):
    paths = ("forgot/", "reset/mypscim_reset_x/")

    assert [staff_client.get(f"/t/acme/admin/{each}").status_code for each in paths] == [404, 404]
