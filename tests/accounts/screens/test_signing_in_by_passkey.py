"""A passkey alone signs in: with its device's check of the user, at its own host, within the limits of passwords."""

import json

import pytest
import time_machine
from django.db import transaction

from accounts import actions, signing_in
from accounts.models import Account, AuditEntry, Factor, Session
from accounts.permissions import Role
from tenants import clock, rates
from tenants.current import in_tenant
from tests.support import clients, people
from tests.support.authenticators import PRESENT, Authenticator, add, options_on

PAGE = "/admin/login/passkey/"
REFUSED = "Sign-in failed. The passkey has to be one of this site"


@pytest.fixture(autouse=True)
def _no_page_was_counted_before():
    rates.buckets.forget()


def key_for(tenant, browser):
    made = Authenticator(tenant)
    add(browser, made)
    return made


@pytest.fixture
def key(acme, admin_client):
    """An authenticator whose passkey is tara's."""
    return key_for(acme, admin_client(acme))


def sign_in(tenant, authenticator, query=""):
    browser = clients.client_for(tenant)
    options = options_on(browser.get(PAGE + query))
    return browser, browser.post(PAGE + query, {"credential": authenticator.signed(options)})


def is_in(browser):
    return browser.get("/admin/").status_code == 200


def entries(tenant):
    with transaction.atomic(), in_tenant(tenant):
        found = AuditEntry.objects.filter(act__startswith="sign").order_by("id")
        return list(found.values_list("act", "subject", "details"))


def test_a_passkey_signs_in_without_a_password_and_is_audited(acme, key):
    browser, answer = sign_in(acme, key)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert is_in(browser)
    assert entries(acme) == [
        ("signed in", "tara@acme.example", {"method": "passkey without password"})
    ]


def test_staff_sign_in_by_passkey_which_is_their_second_factor_too(operator, staff_client):
    key = key_for(operator, staff_client)

    browser, answer = sign_in(operator, key)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert is_in(browser)


def test_the_sign_in_page_leads_to_it_at_the_host_of_the_passkeys(acme, client_for):
    page = client_for(acme).get("/admin/login/?next=/admin/scim/user/").text

    assert f'href="{acme.base_url}{PAGE}?next=/admin/scim/user/"' in page


def test_the_browser_is_asked_for_any_passkey_of_the_host_and_to_verify_its_user(acme, client_for):
    options = options_on(client_for(acme).get(PAGE))

    assert options.pop("challenge")
    assert options == {"rpId": "acme.mypolicies.localhost", "userVerification": "required"}


def test_a_sign_in_leads_to_the_page_that_was_asked_for_and_to_no_other_host(acme, key):
    ways = ["/admin/scim/user/", "https://evil.example/", "//evil.example/"]

    answers = [sign_in(acme, key, f"?next={way}")[1] for way in ways]

    assert [answer.headers["Location"] for answer in answers] == [ways[0], "/admin/", "/admin/"]


def test_a_browser_that_is_signed_in_already_goes_on(acme, admin_client):
    assert admin_client(acme).get(f"{PAGE}?next=/admin/you/").headers["Location"] == "/admin/you/"


def test_the_session_changes_its_key_and_the_proof_is_fresh(acme, key):
    browser = clients.client_for(acme)
    options = options_on(browser.get(PAGE))
    before = browser.session.session_key

    browser.post(PAGE, {"credential": key.signed(options)})

    with transaction.atomic(), in_tenant(acme):
        assert not Session.objects.filter(pk=before).exists()
    assert browser.get("/admin/you/authenticator/").status_code == 200


def test_an_answer_signs_in_once(acme, key):
    browser = clients.client_for(acme)
    signed = key.signed(options_on(browser.get(PAGE)))
    browser.post(PAGE, {"credential": signed})
    browser.post("/admin/logout/")

    again = [browser.post(PAGE, {"credential": signed}), clients.client_for(acme)]

    assert REFUSED in again[0].text
    assert REFUSED in again[1].post(PAGE, {"credential": signed}).text


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("flags", PRESENT),
        ("user", None),
        ("user", "AAAAAAAAAAAAAAAAAAAAAA"),
        ("origin", "https://evil.example"),
        ("host", "globex.mypolicies.localhost"),
        ("id", b"another credential"),
        ("count", 0),
    ],
)
def test_an_answer_without_verification_for_elsewhere_or_of_another_key_is_refused(
    acme, key, attribute, value
):
    with transaction.atomic(), in_tenant(acme):
        Factor.objects.update(counter=1)
    key.count = 5
    setattr(key, attribute, value)

    browser, answer = sign_in(acme, key)

    assert (answer.status_code, REFUSED in answer.text, is_in(browser)) == (200, True, False)


def test_a_passkey_of_one_tenant_is_unknown_at_another(acme, globex, key):
    browser, answer = sign_in(globex, key)
    key.host, key.origin = globex.host, globex.base_url
    disguised, second = sign_in(globex, key)

    assert [REFUSED in each.text for each in (answer, second)] == [True, True]
    assert [is_in(each) for each in (browser, disguised)] == [False, False]
    assert entries(globex) == [("sign-in refused", "unknown account", {"times": 1})]
    assert entries(acme) == []


def test_known_and_unknown_passkeys_of_all_kinds_are_refused_in_the_same_words(acme, key, command):
    """Without the host's name and the challenge, which differ each time."""
    with transaction.atomic(), in_tenant(acme):
        other = Account.objects.create(email="other@acme.example", role=Role.ADMIN, is_active=True)
    actions.set_password(command, acme, other.email, people.PASSWORD)
    known, unknown = key, Authenticator(acme)
    known.flags, unknown.id = PRESENT, b"nobody's"

    texts = []
    for each in (known, unknown):
        _, answer = sign_in(acme, each)
        options = json.dumps(options_on(answer))
        texts.append((answer.status_code, answer.context["problem"], len(options)))

    assert texts[0] == texts[1]


@pytest.mark.parametrize("sent", ["", "{}", "[]", "null", "nonsense", '{"id": 1}'])
def test_nonsense_is_refused_and_counted_until_one_has_to_wait(acme, client_for, sent):
    browser = client_for(acme)

    with time_machine.travel(clock.now(), tick=False):
        answers = [browser.post(PAGE, {"credential": sent}) for _ in range(5)]

    assert [each.status_code for each in answers] == [200, 200, 200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "2"
    assert entries(acme) == [("sign-in refused", "unknown account", {"times": 1})]


def test_unknown_passkeys_lock_out_no_owner_of_a_known_one(acme, key):
    stranger = Authenticator(acme)
    stranger.id = b"a stranger's"
    with time_machine.travel(clock.now(), tick=False) as moving:
        for _ in range(12):
            sign_in(acme, stranger)
            moving.shift(70)

        browser, _ = sign_in(acme, key)

        assert is_in(browser)


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": Role.MEMBER}])
def test_an_account_that_may_not_sign_in_is_refused(acme, key, change):
    with transaction.atomic(), in_tenant(acme):
        Account.objects.filter(email="tara@acme.example").update(**change)

    browser, answer = sign_in(acme, key)

    assert (REFUSED in answer.text, is_in(browser)) == (True, False)


def test_an_address_may_open_the_page_so_often_and_then_has_to_wait(
    acme, globex, client_for, monkeypatch
):
    monkeypatch.setattr(signing_in, "OPTIONS", rates.Rate(per_second=0.001, burst=2))

    opened = [client_for(acme).get(PAGE) for _ in range(3)]

    assert [each.status_code for each in opened] == [200, 200, 429]
    assert int(opened[-1].headers["Retry-After"]) in range(900, 1001)
    assert "Many people are signing in" in opened[-1].text
    assert client_for(globex).get(PAGE).status_code == 200


def test_the_page_takes_no_other_method(acme, client_for):
    assert client_for(acme).put(PAGE).status_code == 405


def test_no_log_line_names_a_passkey(acme, key, caplog):
    sign_in(acme, key)

    assert {record.name for record in caplog.records} == {"mypolicies.requests"}
    assert key.id.hex() not in caplog.text
