"""Warnings before a credential expires: to whom, when, and each once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command

from accounts import actions, expiries
from accounts.actions import ClientRequest, TokenRequest, single_sign_on
from accounts.actions.single_sign_on import OidcRequest
from accounts.models import AuditEntry
from accounts.permissions import Role
from tenants import lifecycle
from tenants.current import in_public, in_tenant
from tenants.models import Expiry
from tests.support import identity, mailing, people

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def token(acme):
    """acme's secret token, which expires in 90 days; tara answers for it."""
    tara = people.tenant_admin(acme)
    request = TokenRequest("Entra", tara.email, days=90)
    return actions.mint_token(people.COMMAND, acme, request).token


@pytest.fixture
def warn():
    """`warn()`: runs the command, then the worker, and returns recipients and subjects."""

    def run():
        call_command("warn_of_expiry", stderr=StringIO())
        run.messages = mailing.sent()
        return [(*message.to, message.subject) for message in run.messages]

    return run


def test_nobody_is_warned_long_before(token, warn):
    assert warn() == []


def test_tenant_admins_and_staff_who_can_act_are_warned(token, warn, clock, operator, acme):
    people.support_staff(operator)
    actions.create_account(people.COMMAND, operator, "aude@mypolicies.example", "", Role.AUDITOR)
    clock.shift(timedelta(days=60))

    subject = f"Secret token {token} of Acme Ltd expires in 30 days"
    assert warn() == [("tara@acme.example", subject), ("alice@mypolicies.example", subject)]
    own, theirs = (message.body for message in warn.messages)
    assert "http://acme.mypolicies.localhost:8000/admin/accounts/secrettoken/" in own
    assert "Ask support@mypolicies.com for a new one" in own
    assert "/t/acme/admin/accounts/secrettoken/" in theirs
    assert "2027-02-23 at 10:00 UTC" in own


def test_each_warning_comes_once_30_14_3_and_1_days_before(token, warn, clock):
    warned = []
    clock.shift(timedelta(days=58))
    for half in range(66):
        if warn():
            warned.append(32 - half / 2)
        clock.shift(timedelta(hours=12))

    assert warned == [30, 14, 3, 1]


def test_a_command_that_did_not_run_for_long_warns_of_the_nearest_only(token, warn, clock):
    clock.shift(timedelta(days=88))

    assert [subject[-6:] for _, subject in warn()] == ["2 days"]
    assert warn() == []


def test_a_token_that_gets_another_end_is_warned_of_again(token, warn, clock, acme):
    clock.shift(timedelta(days=60))
    first = warn()
    with in_tenant(acme):
        type(token).objects.update(expires_at=token.expires_at + timedelta(days=2))
    clock.shift(timedelta(days=2))

    assert len(first) == len(warn()) == 1


def test_a_client_secret_is_warned_of_too(acme, warn, clock):
    tara = people.tenant_admin(acme)
    actions.create_oauth_client(people.COMMAND, acme, ClientRequest("Job", tara.email))
    clock.shift(timedelta(days=352))

    [(_, subject)] = warn()

    assert subject.startswith("Client secret Job")
    assert subject.endswith("expires in 13 days")


def test_revoked_tokens_suspended_tenants_and_other_tenants_admins_get_no_warning(
    token, warn, clock, acme, globex
):
    people.tenant_admin(globex)
    clock.shift(timedelta(days=61))
    with in_public():
        lifecycle.suspend(acme)
    suspended = warn()
    with in_public():
        lifecycle.resume(acme)
    actions.revoke_token(people.COMMAND, acme, token.id)

    assert (suspended, warn()) == ([], [])


def test_a_message_that_cannot_be_sent_is_sent_later_once(token, warn, clock, acme, settings):
    clock.shift(timedelta(days=60))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    meanwhile = warn()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    clock.shift(timedelta(seconds=31))

    assert (meanwhile, len(warn()), warn()) == ([], 1, [])


def test_a_warning_is_audited_in_the_tenant(token, warn, clock, acme):
    clock.shift(timedelta(days=60))
    warn()

    with in_tenant(acme):
        entry = AuditEntry.objects.order_by("-id").first()
    assert (entry.act, entry.subject) == ("expiry warning queued", str(token))
    assert entry.details == {"expires": "2027-02-23T10:00:00+00:00", "messages": 1}


def test_an_expiry_missing_in_the_registry_comes_back(token, warn, clock):
    with in_public():
        Expiry.objects.all().delete()
    clock.shift(timedelta(days=60))

    assert len(warn()) == 1


@pytest.mark.parametrize(("left", "days"), [(31, None), (30, 30), (14.1, 30), (1, 1), (0, None)])
def test_the_nearest_warning_that_is_reached_is_due(left, days):
    expiry = Expiry(expires_at=NOW + timedelta(days=left))

    assert expiries.due(expiry, NOW) == days


@pytest.fixture
def signed_on(acme, globex):
    """Both tenants have an identity provider, whose certificate ends with 2089; acme's is enabled."""
    for tenant in (acme, globex):
        people.tenant_admin(tenant)
        text = identity.metadata("https://login.microsoftonline.com/acme/saml2")
        single_sign_on.set_up_saml(people.COMMAND, tenant, text)
        single_sign_on.note_test(people.COMMAND, tenant, "saml")
    single_sign_on.enable(people.COMMAND, acme, "saml")


def test_the_end_of_a_signing_certificate_is_warned_of_where_people_sign_in_by_it(
    signed_on, warn, clock, acme
):
    clock.move_to(datetime(2089, 12, 20, tzinfo=UTC))

    assert warn() == [("tara@acme.example", "Single sign-on to Acme Ltd stops in 12 days")]
    [message] = warn.messages
    assert "expires on 2090-01-01 at 00:00 UTC" in message.body
    assert "http://acme.mypolicies.localhost:8000/admin/accounts/identityprovider/" in message.body
    assert warn() == []


def test_a_provider_that_nobody_signs_in_by_has_no_end(signed_on, acme):
    def ends():
        with in_public():
            return [each.kind for each in Expiry.objects.filter(tenant=acme)]

    before = ends()
    single_sign_on.disable(people.COMMAND, acme, "saml")

    assert (before, ends()) == (["saml"], [])


@pytest.fixture
def with_secret(acme, globex):
    """Both tenants sign in with a client secret until 2027-01-15; acme's is enabled."""
    for tenant in (acme, globex):
        people.tenant_admin(tenant)
        request = OidcRequest(
            "https://login.microsoftonline.com/acme/v2.0/.well-known/openid-configuration",
            identity.CLIENT_ID,
            identity.CLIENT_SECRET,
            date(2027, 1, 15),
        )
        single_sign_on.set_up_oidc(people.COMMAND, tenant, request)
        single_sign_on.note_test(people.COMMAND, tenant, "oidc")
    single_sign_on.enable(people.COMMAND, acme, "oidc")
    return request


def test_the_end_of_a_sign_on_secret_is_warned_of_where_people_sign_in_with_it(
    with_secret, warn, clock, acme
):
    before = warn()
    clock.move_to(datetime(2027, 1, 3, tzinfo=UTC))

    assert before == []
    assert warn() == [("tara@acme.example", "Single sign-on to Acme Ltd stops in 12 days")]
    [message] = warn.messages
    assert "The client secret of single sign-on to Acme Ltd" in message.body
    assert "expires on 2027-01-15 at 00:00 UTC" in message.body
    assert "http://acme.mypolicies.localhost:8000/admin/accounts/identityprovider/" in message.body
    assert identity.CLIENT_SECRET not in message.body
    assert warn() == []


def test_a_new_sign_on_secret_has_an_end_of_its_own(with_secret, acme):
    def ends():
        with in_public():
            return [
                (e.kind, f"{e.expires_at:%Y-%m-%d}") for e in Expiry.objects.filter(tenant=acme)
            ]

    before = ends()
    renewed = replace(with_secret, secret="another one", secret_expires_on=date(2028, 1, 1))
    single_sign_on.set_up_oidc(people.COMMAND, acme, renewed)
    after = ends()
    single_sign_on.set_up_oidc(people.COMMAND, acme, replace(with_secret, secret_expires_on=None))

    assert before == [("oidc", "2027-01-15")]
    assert after == [("oidc", "2028-01-01")]
    assert ends() == []
