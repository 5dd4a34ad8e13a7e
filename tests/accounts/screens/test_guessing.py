"""Wrong passwords: the wait, the lock, who can lift it, and what the audit log tells of them."""

from datetime import timedelta

import pytest
import time_machine
from django.db import transaction

from accounts import guessing
from accounts.hashing import Busy, Lane, lane
from accounts.models import AuditEntry, Guesses
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients, people
from tests.support.pages import facts_of, nonce_in

HERE, THERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def moving():
    """A clock that moves only when the test says so."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


def attempt(tenant, email="tara@acme.example", password="", address=HERE):
    password = password or "wrong"
    return clients.client_for(tenant).post(
        "/admin/login/", {"username": email, "password": password}, REMOTE_ADDR=address
    )


def fail(moving, tenant, times, email="tara@acme.example", address=HERE):
    """The statuses of so many wrong passwords, each one as soon as it is allowed."""
    statuses = []
    for _ in range(times):
        answer = attempt(tenant, email, address=address)
        statuses.append(answer.status_code)
        moving.shift(timedelta(seconds=70))
    return statuses


def entries(tenant):
    with transaction.atomic(), in_tenant(tenant):
        found = AuditEntry.objects.filter(act__startswith="sign").order_by("id")
        return list(found.values_list("act", "subject", "details"))


@pytest.mark.parametrize("email", ["tara@acme.example", "nobody@acme.example"])
def test_after_some_wrong_passwords_one_has_to_wait_and_the_wait_doubles(acme, moving, email):
    people.tenant_admin(acme)
    free = [attempt(acme, email).status_code for _ in range(4)]

    too_early = attempt(acme, email)
    moving.shift(timedelta(seconds=2))
    again = [attempt(acme, email) for _ in range(2)]

    assert free == [200] * 4
    assert (too_early.status_code, too_early.headers["Retry-After"]) == (429, "2")
    assert [each.status_code for each in again] == [200, 429]
    assert again[1].headers["Retry-After"] == "4"
    assert "Wait 4 seconds, then try again." in again[1].text


@pytest.mark.parametrize("email", ["tara@acme.example", "nobody@acme.example"])
def test_ten_wrong_passwords_lock_and_then_the_right_one_is_refused(acme, moving, email):
    people.tenant_admin(acme)
    fail(moving, acme, 10, email)

    refused = attempt(acme, email, people.PASSWORD)

    assert (refused.status_code, "Sign-in is locked" in refused.text) == (429, True)


def test_the_lock_ends_after_a_quarter_of_an_hour(acme, moving):
    people.tenant_admin(acme)
    fail(moving, acme, 10)

    moving.shift(timedelta(minutes=14))

    assert attempt(acme, password=people.PASSWORD).status_code == 302


def test_guesses_from_elsewhere_do_not_lock_the_owner_out(acme, moving):
    people.tenant_admin(acme)
    attempt(acme, password=people.PASSWORD, address=THERE)
    for place in range(6):
        fail(moving, acme, 10, address=f"203.0.113.{place}")

    elsewhere = attempt(acme, password=people.PASSWORD, address="203.0.113.99")
    owner = attempt(acme, password=people.PASSWORD, address=THERE)

    assert (elsewhere.status_code, owner.status_code) == (429, 302)


def test_an_address_that_tries_many_accounts_is_locked(acme, globex, moving):
    people.tenant_admin(globex)
    tried = [attempt(acme, f"somebody{each}@acme.example").status_code for each in range(51)]

    assert (tried[:50], tried[50]) == ([200] * 50, 429)
    assert attempt(globex, "tom@globex.example", people.PASSWORD).status_code == 302


def test_failures_of_an_account_do_not_count_in_another_tenant(acme, globex, moving):
    people.tenant_admin(acme)
    fail(moving, globex, 10)

    assert attempt(acme, password=people.PASSWORD).status_code == 302


def test_the_audit_log_tells_of_failures_once_a_minute_with_their_number(acme, moving):
    people.tenant_admin(acme)
    for _ in range(3):
        attempt(acme)
    moving.shift(timedelta(seconds=61))
    attempt(acme)
    attempt(acme, "hunter2 typed into the wrong field")
    moving.shift(timedelta(seconds=2))
    attempt(acme)
    moving.shift(timedelta(seconds=4))

    attempt(acme, password=people.PASSWORD)

    assert entries(acme) == [
        ("sign-in refused", "tara@acme.example", {"times": 1}),
        ("sign-in refused", "tara@acme.example", {"times": 3}),
        ("sign-in refused", "unknown account", {"times": 1}),
        ("signed in", "tara@acme.example", {"method": "password", "refused before": 1}),
    ]


def test_no_typed_name_is_kept(acme, moving):
    attempt(acme, "hunter2 typed into the wrong field")

    with transaction.atomic(), in_tenant(acme):
        kept = str(list(Guesses.objects.values())) + str(list(AuditEntry.objects.values()))
    assert "hunter2" not in kept


def test_an_admin_sees_the_lock_and_lifts_it(acme, add, tara, open_browser, moving):
    nora = add(acme, "nora@acme.example", Role.ADMIN)
    with transaction.atomic(), in_tenant(acme):
        nora.set_password(people.PASSWORD)
        nora.save()
    fail(moving, acme, 10, nora.email)
    own_host = open_browser(acme, tara)
    path = f"/admin/accounts/account/{nora.pk}/"
    before = facts_of(own_host.get(f"{path}change/"), "Account")["Sign-in"]

    done = own_host.post(
        f"{path}unlock/", {"nonce": nonce_in(own_host.get(f"{path}unlock/"))}, follow=True
    )

    assert before.startswith("Locked until")
    assert "nora@acme.example can try to sign in again." in done.text
    assert facts_of(done, "Account")["Sign-in"] == "Not locked"
    assert attempt(acme, nora.email, people.PASSWORD).status_code == 302
    assert ("sign-in unlocked", nora.email) in [entry[:2] for entry in entries(acme)]


def test_an_admin_sees_a_wait_too_and_lifts_it(acme, globex, add, own_host, tara, moving):
    nora = add(acme, "nora@acme.example", Role.ADMIN)
    other = add(globex, "nora@globex.example", Role.ADMIN)
    path = f"/admin/accounts/account/{nora.pk}/"
    for _ in range(4):
        attempt(acme, nora.email)
    moving.shift(timedelta(seconds=2))
    attempt(acme, nora.email)
    until = clock.now() + timedelta(seconds=4)

    shown = facts_of(own_host.get(f"{path}change/"), "Account")["Sign-in"]
    done = own_host.post(
        f"{path}unlock/", {"nonce": nonce_in(own_host.get(f"{path}unlock/"))}, follow=True
    )

    assert shown == f"Locked until {until:%H:%M:%S} UTC: too many failed attempts"
    assert facts_of(done, "Account")["Sign-in"] == "Not locked"
    with transaction.atomic(), in_tenant(globex):
        assert guessing.locked_until(other, clock.now()) is None


def test_a_wait_that_is_over_is_not_shown(acme, add, moving):
    nora = add(acme, "nora@acme.example", Role.ADMIN)
    for _ in range(4):
        attempt(acme, nora.email)

    ends = []
    for _ in range(2):
        with transaction.atomic(), in_tenant(acme):
            ends.append(guessing.locked_until(nora, clock.now()))
        moving.shift(timedelta(seconds=2))

    assert ends == [clock.now() - timedelta(seconds=2), None]


def test_an_account_without_a_lock_cannot_be_unlocked(acme, tara, own_host):
    path = f"/admin/accounts/account/{tara.pk}/unlock/"

    answer = own_host.post(path, {"nonce": nonce_in(own_host.get(path))})

    assert "tara@acme.example is not locked any more." in answer.text


def test_old_counts_are_purged_and_what_they_tell_is_noted(acme, moving):
    people.tenant_admin(acme)
    for _ in range(3):
        attempt(acme)
    moving.shift(timedelta(hours=2))

    with transaction.atomic(), in_tenant(acme):
        purged, left = guessing.purge(clock.now()), Guesses.objects.count()

    assert (purged, left) == (4, 0)
    assert entries(acme)[-1] == ("sign-in refused", "tara@acme.example", {"times": 2})


def test_hashing_has_two_places_and_an_address_one_of_them():
    own = Lane(places=2)

    with own.place(HERE), pytest.raises(Busy), own.place(HERE):
        pass
    with own.place(HERE), own.place(THERE), pytest.raises(Busy), own.place("192.0.2.1"):
        pass
    with own.place(HERE), own.place(THERE):
        pass


def test_a_sign_in_without_a_place_is_refused_at_once_and_counts_as_nothing(acme, moving):
    people.tenant_admin(acme)
    with lane.place(HERE):
        refused = attempt(acme)

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "Many people are signing in at this moment." in refused.text
    assert entries(acme) == []
