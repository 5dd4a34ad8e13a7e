"""SECRET_KEY is changed: everything goes on with the former key beside it, and then without it.

Stored secrets are sealed anew by `manage.py secrets reseal`; sessions and links end by themselves.
"""

import json
import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from django.core.management.base import CommandError
from django.utils.crypto import salted_hmac
from joserfc import jwe
from joserfc.jwk import OctKey

from accounts import factors, invitations, resealing
from accounts.actions import resealing as actions
from accounts.models import FACTOR_USE, AuditEntry, Factor
from accounts.sealing import mark, seal, unseal
from accounts.sso.models import SECRET_USE, IdentityProvider
from config import checks, doctor
from tenants import clock
from tenants.current import in_tenant
from tests.support import clients, people
from tests.support.commands import run

FORMER = "the former key, of more than fifty characters in earnest too"
KEY = "the present key, of more than fifty characters in earnest too"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # of an authenticator app


@pytest.fixture(autouse=True)
def moving():
    """A clock that moves only when the test says so."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def former(settings):
    """The key before the change."""
    settings.SECRET_KEY = FORMER
    return settings


@pytest.fixture
def rotate(former):
    """Change SECRET_KEY; the former one is read with, unless it is forgotten."""

    def changed(fallbacks=(FORMER,)):
        former.SECRET_KEY, former.SECRET_KEY_FALLBACKS = KEY, list(fallbacks)

    return changed


@pytest.fixture
def apps(former, acme, globex):
    """An admin with an authenticator app in each tenant."""
    return [with_app(tenant) for tenant in (acme, globex)]


def with_app(tenant, secret=SECRET):
    admin = people.tenant_admin(tenant)
    with in_tenant(tenant):
        factors.add_app(admin, tenant, secret, 0)
    return admin


def sealed_in(tenant):
    with in_tenant(tenant):
        return list(Factor.objects.values_list("secret", flat=True))


def sign_in(tenant, secret=SECRET):
    """The answer to the second page of signing in."""
    browser = clients.client_for(tenant)
    email = people.tenant_admin(tenant).email
    browser.post("/admin/login/", {"username": email, "password": people.PASSWORD})
    return browser.post("/admin/login/second/", {"code": pyotp.TOTP(secret).at(clock.now())})


def resealed(tenant):
    with in_tenant(tenant):
        return list(
            AuditEntry.objects.filter(act="secrets resealed").values_list("subject", "details")
        )


def needing(*tenants):
    found = []
    for tenant in tenants:
        with in_tenant(tenant):
            found += [
                (tenant.custom_domain, each.kind, each.owner, each.is_readable)
                for each in resealing.needing(tenant)
            ]
    return found


def test_codes_are_good_with_the_former_key_beside_and_after_resealing_without_it(
    apps, acme, globex, rotate, moving
):
    rotate()
    beside = [sign_in(tenant).status_code for tenant in (acme, globex)]

    out, err = run("secrets", "reseal")

    assert beside == [302, 302]
    assert out == "acme: secrets resealed: 1\nglobex: secrets resealed: 1\n"
    assert err == (
        "No stored secret needs a former key.\n"
        "Remove SECRET_KEY_FALLBACKS 3 days after SECRET_KEY was changed: until then it opens sessions"
        " and links that were sent before.\n"
    )
    rotate(fallbacks=())
    moving.shift(timedelta(seconds=60))
    assert [sign_in(tenant).status_code for tenant in (acme, globex)] == [302, 302]


def test_each_tenants_audit_log_tells_what_was_resealed(apps, acme, globex, operator, rotate):
    rotate()

    run("secrets", "reseal")

    details = {"kind": "authenticator app", "number": 1}
    assert resealed(acme) == [("acme", details)]
    assert resealed(globex) == [("globex", details)]
    assert {each["tenant"] for _, each in resealed(operator)} == {"acme", "globex"}


def test_run_again_it_changes_nothing(apps, acme, globex, rotate):
    rotate()
    run("secrets", "reseal")
    before = [sealed_in(acme), sealed_in(globex)]

    out, _ = run("secrets", "reseal")

    assert out == ""
    assert [sealed_in(acme), sealed_in(globex)] == before
    assert len(resealed(acme)) == 1


def test_one_tenant_can_be_resealed_alone(apps, acme, globex, rotate):
    rotate()

    out, err = run("secrets", "reseal", "acme")

    assert out == "acme: secrets resealed: 1\n"
    assert err == "No stored secret needs a former key.\n"
    assert needing(acme, globex) == [("globex", "authenticator app", "tom@globex.example", True)]


def test_stopped_halfway_it_goes_on_from_there(apps, acme, rotate, monkeypatch):
    monkeypatch.setattr(resealing, "PIECE", 1)
    for _ in range(2):
        with_app(acme)
    rotate()
    stop_after(monkeypatch, 3)  # there is no single sign-on, then an app each
    with pytest.raises(KeyboardInterrupt):
        run("secrets", "reseal", "acme")
    done = sum(secret.startswith(mark()) for secret in sealed_in(acme))

    monkeypatch.undo()
    out, _ = run("secrets", "reseal", "acme")

    assert (done, out) == (2, "acme: secrets resealed: 1\n")
    assert sum(details["number"] for _, details in resealed(acme)) == 3


def stop_after(monkeypatch, pieces):
    """Have the command be interrupted when it begins another piece."""
    reseal, left = resealing.reseal, iter(range(pieces))

    def counted(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return reseal(*arguments)

    monkeypatch.setattr(actions.resealing, "reseal", counted)


def test_secrets_that_nothing_opens_are_named_and_hold_up_no_others(
    apps, acme, globex, rotate, settings
):
    settings.SECRET_KEY = "a key that nobody has any more, of fifty characters"
    with_app(acme, "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU")
    rotate()

    with pytest.raises(CommandError) as failed:
        run("secrets", "reseal")

    assert str(failed.value) == (
        "Secrets that cannot be opened: 1. Add the key that they were encrypted under to"
        " SECRET_KEY_FALLBACKS and run this again; or set them again."
    )
    assert needing(acme, globex) == [("acme", "authenticator app", "tara@acme.example", False)]


def test_the_list_names_secrets_that_need_another_key_and_shows_none(apps, acme, globex, rotate):
    rotate()
    listed, _ = run("secrets", "list", "--json")
    rotate(fallbacks=())
    without, _ = run("secrets", "list", "acme")

    row = {"tenant": "acme", "secret": "authenticator app", "of": "tara@acme.example"}
    assert json.loads(listed)[0] == row | {"key": "former"}
    assert [each["tenant"] for each in json.loads(listed)] == ["acme", "globex"]
    assert without.splitlines()[1].split("  ")[-1] == "unknown"
    assert sealed_in(acme)[0] not in listed


def test_a_secret_of_a_release_without_marks_needs_no_former_key(apps, acme, rotate):
    with in_tenant(acme):
        Factor.objects.update(secret=unmarked(acme, SECRET))

    assert needing(acme) == []
    rotate()
    assert needing(acme) == [("acme", "authenticator app", "tara@acme.example", True)]
    run("secrets", "reseal", "acme")
    assert needing(acme) == []


def unmarked(tenant, secret):
    """The secret as it was sealed before there were marks."""
    derived = salted_hmac("scim.provider.sealing", f"{FACTOR_USE}:{tenant.id}", algorithm="sha256")
    header = {"alg": "dir", "enc": "A256GCM"}
    return jwe.encrypt_compact(header, secret, OctKey.import_key(derived.digest()))


def test_the_client_secret_of_single_sign_on_is_resealed(former, acme, globex, rotate):
    for tenant in (acme, globex):
        with in_tenant(tenant):
            sealed = seal(tenant.id, SECRET_USE, f"client secret of {tenant}")
            IdentityProvider.objects.create(
                kind="oidc", issuer="https://login.example/", secret=sealed
            )
    rotate()

    out, _ = run("secrets", "reseal")
    rotate(fallbacks=())

    assert out == "acme: secrets resealed: 1\nglobex: secrets resealed: 1\n"
    for tenant in (acme, globex):
        with in_tenant(tenant):
            stored = IdentityProvider.objects.get()
        assert unseal(tenant.id, SECRET_USE, stored.secret) == f"client secret of {tenant}"


def test_sessions_and_links_go_on_with_the_former_key_beside(former, acme, globex, rotate):
    browsers = [clients.signed_in(tenant, people.tenant_admin(tenant)) for tenant in (acme, globex)]
    account = people.tenant_admin(acme)
    with in_tenant(acme):
        word = invitations.LINK.url(acme, account).rstrip("/").rpartition("/")[2]
    rotate()

    assert [browser.get("/admin/you/").status_code for browser in browsers] == [200, 200]
    with in_tenant(acme):
        assert invitations.LINK.find(word) == account
    rotate(fallbacks=())
    with in_tenant(acme):
        assert invitations.LINK.find(word) is None


def test_a_sign_in_that_was_half_done_goes_on(apps, acme, rotate):
    browser = clients.client_for(acme)
    form = {"username": "tara@acme.example", "password": people.PASSWORD}
    browser.post("/admin/login/", form)
    rotate()

    done = browser.post("/admin/login/second/", {"code": pyotp.TOTP(SECRET).at(clock.now())})

    assert done.status_code == 302


def test_an_app_that_was_being_set_up_goes_on_or_begins_anew(former, acme, rotate):
    browser = clients.signed_in(acme, people.tenant_admin(acme))
    key = key_on(browser)
    rotate()
    beside = key_on(browser)
    rotate(fallbacks=())

    assert beside == key
    assert browser.get("/admin/you/authenticator/").status_code in {200, 302}


def key_on(browser):
    [key] = re.findall(r">([A-Z2-7]{32})<", browser.get("/admin/you/authenticator/").text)
    return key


def test_without_the_former_key_the_second_page_says_so_and_a_recovery_code_lets_in(
    apps, acme, rotate
):
    with in_tenant(acme):
        [recovery, *_] = factors.new_recovery_codes(people.tenant_admin(acme))
    rotate(fallbacks=())

    refused = sign_in(acme)

    assert refused.status_code == 503
    assert "Your authenticator app cannot be checked" in refused.text
    browser = clients.client_for(acme)
    form = {"username": "tara@acme.example", "password": people.PASSWORD}
    browser.post("/admin/login/", form)
    assert browser.post("/admin/login/second/", {"code": recovery}).status_code == 302


def test_doctor_and_the_deploy_check_name_the_tenants_until_they_are_resealed(
    apps, acme, globex, operator, rotate
):
    rotate()
    found, told = secrets_of_doctor(), sealed_of_check()
    run("secrets", "reseal", "globex")
    later = secrets_of_doctor()
    run("secrets", "reseal")

    sentence = "Stored secrets that only a former SECRET_KEY opens: 1."
    assert found == [(1, "acme", sentence), (1, "globex", sentence)]
    assert later == [(1, "acme", sentence)]
    assert secrets_of_doctor() == []
    assert told == [
        (
            "config.W007",
            "Tenants with stored secrets that only a former SECRET_KEY opens: acme, globex.",
        )
    ]
    assert sealed_of_check() == [
        ("config.W008", "SECRET_KEY_FALLBACKS is set, and no stored secret needs it.")
    ]


def test_doctor_and_the_deploy_check_find_secrets_that_nothing_opens(apps, acme, globex, rotate):
    rotate(fallbacks=())

    sentence = "Stored secrets that no known SECRET_KEY opens: 1."
    assert secrets_of_doctor() == [(2, "acme", sentence), (2, "globex", sentence)]
    assert sealed_of_check() == [
        ("config.E004", "Tenants with stored secrets that no known SECRET_KEY opens: acme, globex.")
    ]


def secrets_of_doctor():
    look = doctor.examinations()["secrets"]
    return [
        (each.level.value, each.tenant, each.sentence) for each in doctor.examine("secrets", look)
    ]


def sealed_of_check():
    return [(each.id, each.msg) for each in checks.check_sealed()]


def test_one_statement_asks_all_tenants(apps, acme, globex, rotate, statements):
    rotate(fallbacks=())

    with statements() as executed:
        found = resealing.unmarked([acme, globex]).tenants

    assert found == (acme, globex)
    assert len(executed) == 2  # which schemas have the column, and the question


def test_every_column_of_sealed_secrets_is_known():
    """A secret that is sealed in a plain column would be lost with the former key."""
    assert [(each.kind, each.model.__name__, each.field.name) for each in resealing.columns()] == [
        ("client secret", "IdentityProvider", "secret"),
        ("authenticator app", "Factor", "secret"),
        ("event stream", "EventStream", "secret"),
        ("signing key", "SigningKey", "private"),
    ]
