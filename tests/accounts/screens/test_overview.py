"""The first page of staff: how all tenants are doing, and what wants attention."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from accounts import actions
from accounts.actions import ClientRequest, TokenRequest
from accounts.permissions import Role
from tenants import resolution
from tenants.current import in_public
from tenants.models import CredentialTraffic, Expiry, Traffic, TrafficDay
from tests.support import citus
from tests.support.installed import needs

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
SECTIONS = (
    "Failing",
    "Silent for two hours",
    "Credentials about to expire",
)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def tell(acme, globex):
    """`tell(tenant, reach, reason, **minutes)`: the tenant's traffic was so many minutes ago."""

    def told(tenant, reach="", reason="", **minutes):
        with in_public():
            moments = {name: NOW - timedelta(minutes=number) for name, number in minutes.items()}
            Traffic.objects.create(
                tenant=tenant,
                failed_reach=reach,
                failed_reason=reason,
                failed_request_id="r-17",
                **moments,
            )

    return told


def section(page, caption):
    """The HTML of the section with that heading."""
    return page.text.split(f">{caption}</h2>")[1].split("</section>")[0]


def test_tenants_are_counted_by_the_state_of_their_connection(alice, acme, globex, tell):
    tell(acme, last_request_at=3, last_success_at=3)

    page = alice.get("/admin/")

    stats = {stat.label: stat.value for stat in page.context["overview"].stats}
    assert stats == {
        "Failing": 0,
        "Silent": 0,
        "Needs attention": 0,
        "Never connected": 1,
        "Connected": 1,
        "Suspended": 0,
    }


def test_each_number_leads_to_its_tenants(alice, acme, globex, tell):
    tell(acme, last_request_at=3, last_success_at=3)
    assert 'href="/admin/tenants/tenant/?connection=connected"' in alice.get("/admin/").text

    connected = alice.get("/admin/tenants/tenant/?connection=connected").text
    never = alice.get("/admin/tenants/tenant/?connection=never").text

    assert ("Acme Ltd" in connected, "Globex Inc" in connected) == (True, False)
    assert ("Acme Ltd" in never, "Globex Inc" in never) == (False, True)


@needs("inspector")
def test_a_failing_tenant_is_told_with_its_fix_and_the_request_that_failed(alice, acme, tell):
    tell(acme, "all", "token.expired", last_request_at=5, failed_at=5)

    failing = section(alice.get("/admin/"), SECTIONS[0])

    assert "Requests still come with the secret token in use, which has expired." in failing
    assert "Generate another secret token" in failing
    assert '<a href="/t/acme/admin/scim/provisioningevent/?q=r-17">5 minutes ago</a>' in failing
    assert 'href="/t/acme/admin/"' in failing


def test_a_tenant_that_is_silent_for_two_hours_is_listed(alice, acme, globex, tell):
    tell(acme, last_request_at=180, last_success_at=180)
    tell(globex, last_request_at=10, last_success_at=10)

    silent = section(alice.get("/admin/"), SECTIONS[1])

    assert "Acme Ltd" in silent
    assert "3 h ago" in silent
    assert "Globex Inc" not in silent


def test_a_suspended_tenant_is_counted_as_suspended_and_not_as_silent(
    alice, acme, globex, tell, command
):
    tell(acme, last_request_at=180, last_success_at=180)
    for tenant in (acme, globex):
        actions.suspend_tenant(command, tenant)

    page = alice.get("/admin/")

    stats = {stat.label: stat.value for stat in page.context["overview"].stats}
    assert (stats["Suspended"], stats["Silent"], stats["Never connected"]) == (2, 0, 0)
    assert "Acme Ltd" not in section(page, SECTIONS[1])
    listed = alice.get("/admin/tenants/tenant/?connection=suspended").text
    assert ("Acme Ltd" in listed, "Globex Inc" in listed) == (True, True)


@needs("inspector")
def test_a_token_that_is_refused_beside_one_that_works_is_told_apart_from_failures(
    alice, acme, globex, tell
):
    tell(acme, last_request_at=3, last_success_at=3)
    with in_public():
        CredentialTraffic.objects.create(
            id=uuid4(), tenant=acme, name="secret token Entra (0a1b2c3d)", last_success_at=NOW
        )
        CredentialTraffic.objects.create(
            id=uuid4(),
            tenant=acme,
            name="secret token HR export (4e5f6a7b)",
            failed_at=NOW - timedelta(minutes=1),
            failed_reach="credential",
            failed_reason="token.revoked",
            failed_request_id="r-18",
            failed_user_agent="curl/8.5",
        )

    page = alice.get("/admin/")
    listed = alice.get("/admin/tenants/tenant/?connection=connected").text

    beside = section(page, "Refused credentials")
    assert "Requests still come with the secret token HR export (4e5f6a7b)" in beside
    assert (
        "came 1 minute ago from curl/8.5: give that client a live credential, or stop it." in beside
    )
    assert '<a href="/t/acme/admin/scim/provisioningevent/?q=r-18">1 minute ago</a>' in beside
    assert "No tenant&#x27;s connection is failing." in section(page, SECTIONS[0])
    assert "Also refused: secret token HR export (4e5f6a7b)." in listed


def test_tokens_and_client_secrets_that_expire_soon_lead_to_where_they_are_replaced(
    alice, acme, tara, globex, gus, command
):
    actions.mint_token(command, acme, TokenRequest("Entra", tara.email, days=8))
    actions.mint_token(command, globex, TokenRequest("Later", gus.email, days=60))
    actions.create_oauth_client(command, globex, ClientRequest("Job", gus.email))
    with in_public():
        secrets = Expiry.objects.filter(kind=Expiry.Kind.SECRET)
        secrets.update(expires_at=NOW + timedelta(hours=5))

    expiring = section(alice.get("/admin/"), SECTIONS[2])

    assert "Secret token Entra" in expiring
    assert "8 days" in expiring
    assert "/t/acme/admin/accounts/secrettoken/" in expiring
    assert "Client secret Job" in expiring
    assert "Less than a day" in expiring
    assert "/t/globex/admin/accounts/oauthclient/" in expiring
    assert "Later" not in expiring


def test_a_revoked_token_no_longer_expires(alice, acme, tara, command):
    minted = actions.mint_token(command, acme, TokenRequest("Entra", tara.email, days=8))
    actions.revoke_token(command, acme, minted.token.pk)

    assert "Nothing expires within 30 days." in section(alice.get("/admin/"), SECTIONS[2])


def test_the_chart_has_thirty_days_of_all_tenants(alice, acme, globex):
    with in_public():
        for tenant in (acme, globex):
            TrafficDay.objects.create(tenant=tenant, day=NOW.date(), requests=100, failures=7)

    page = alice.get("/admin/").text

    assert "25 Nov: 186 Answered" in page
    assert "25 Nov: 14 Refused" in page
    assert page.count('<th scope="row">') == 30


def test_nothing_to_do_is_said_in_words(alice, acme):
    page = alice.get("/admin/")

    assert "No tenant&#x27;s connection is failing." in section(page, SECTIONS[0])


def test_the_number_of_statements_does_not_grow_with_the_tenants(
    alice, olaf, acme, globex, command, statements, tell
):
    tell(acme, "all", "token.expired", last_request_at=5, failed_at=5)
    resolution.forget()  # so each time a host is looked up
    with statements() as few:
        alice.get("/admin/")
    for number in range(3):
        created = actions.create_tenant(command, f"more{number}", "More", "more@more.example")
        tell(created, "all", "token.expired", last_request_at=5, failed_at=5)
        actions.mint_token(command, created, TokenRequest("Entra", "more@more.example", days=8))

    resolution.forget()
    with statements() as many:
        alice.get("/admin/")

    assert len(many) == len(few)
    assert sum("tenants_" in each for each in few) <= 11  # the host, then nine


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.SUPPORT, Role.SUPPORT_LEAD, Role.OPERATOR])
def test_every_role_of_staff_sees_it(role, operator, staff, open_browser, acme):
    page = open_browser(operator, staff[role]).get("/admin/")

    assert page.context["overview"].stats


def test_a_node_of_the_database_that_is_down_is_named_with_its_tenants(alice, acme, globex):
    citus.install_catalog()
    name = citus.place(acme)
    citus.stop_node(name)

    [banner] = alice.get("/admin/").context["overview"].banners

    assert (banner.state, banner.title) == (
        "failing",
        f"The node {name}:5432 of the database does not answer.",
    )
    assert banner.sentence == (
        "Start it, or promote its standby. Answered 503 meanwhile: Acme Ltd."
    )
    shown = alice.get(f"/admin/tenants/tenant/{acme.pk}/change/").text
    assert "The tenant&#x27;s node of the database does not answer." in shown
    assert "does not answer" not in alice.get(f"/admin/tenants/tenant/{globex.pk}/change/").text
