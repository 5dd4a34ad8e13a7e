"""A tenant's page for staff: is it connected, with what, for whom, and what is set up wrong."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts import actions
from scim.monitoring.exchanges import LIMITED
from tenants import resolution, traffic
from tenants.traffic import Exchange, Kind
from tests.support.clients import ScimClient
from tests.support.installed import needs
from tests.support.payloads import replace, user

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def entra(acme, minted):
    return ScimClient(acme, minted.value)


@pytest.fixture
def opened(alice):
    """`opened(tenant)`: the sections of its page, by caption."""

    def sections(tenant):
        traffic.flush()
        answer = alice.get(f"/admin/tenants/tenant/{tenant.pk}/change/")
        return {section.caption: section for section in answer.context["page"].sections}

    return sections


def facts(section):
    return {fact.label: str(fact.value) for fact in section.facts}


def seen(opened_page):
    return {
        row[0] for row in opened_page["Attribute mapping, seen in traffic"].rows if "Seen" in row[1]
    }


def test_a_connected_tenant_says_when_the_last_request_came_and_the_next_comes(opened, acme):
    traffic.note(acme.id, Exchange(NOW - timedelta(minutes=3), Kind.READ))

    found = facts(opened(acme)["Connection"])

    assert found["Details"] == "Connected, last request 3 minutes ago."
    assert found["Next cycle"] == "About 2026-11-25 10:37 UTC"


@needs("inspector")
def test_a_failing_tenant_says_what_is_wrong_and_leads_to_the_request(
    opened, acme, minted, entra, command, clock
):
    entra.get("/Users")
    actions.revoke_token(command, acme, minted.token.pk)
    clock.shift(2)
    entra.get("/Users")

    found = facts(opened(acme)["Connection"])

    assert "which was revoked" in found["Problem"]
    assert "Generate another secret token" in found["Remedy"]
    assert "/t/acme/admin/scim/provisioningevent/?q=" in found["Last failure"]


@needs("problems")
def test_a_tenant_with_a_refused_user_needs_attention_on_its_page_and_in_the_list(
    opened, alice, acme, globex, entra, write_problems
):
    entra.post("/Users", {"userName": "grace@acme.example"})
    write_problems()

    found = facts(opened(acme)["Connection"])
    listed = alice.get("/admin/tenants/tenant/?connection=attention").text

    assert found["Details"] == "Needs attention, last request just now."
    assert ("Acme Ltd" in listed, "Globex Inc" in listed) == (True, False)


def test_the_mapping_shows_what_requests_carry(opened, acme, globex, entra):
    entra.post("/Users", user("one", name={"givenName": "One"}))

    assert {"userName", "externalId", "name.givenName"} <= seen(opened(acme))
    assert "name.familyName" not in seen(opened(acme))
    assert seen(opened(globex)) == set()


def test_a_missing_mapping_is_told_even_though_its_users_are_refused(opened, acme, entra):
    entra.post("/Users", {"userName": "one", "active": True, "externalId": "1"})

    rows = opened(acme)["Typical mistakes"].rows

    assert rows == (
        (
            'Entra has never sent emails[type eq "work"].value, which myPolicies requires.',
            'Provisioning, Mappings: map mail to emails[type eq "work"].value.',
        ),
    )


def test_a_right_mapping_has_no_mistakes(opened, acme, entra):
    entra.post("/Users", user("one", active=True))

    assert opened(acme)["Typical mistakes"].rows == ()


def test_the_flavor_of_changes_tells_whether_the_flag_is_on(opened, acme, entra, clock):
    created = entra.post("/Users", user("one")).json
    before = facts(opened(acme)["PATCH format"])["Setting"]
    entra.patch(f"/Users/{created['id']}", replace("active", "False"))
    off = facts(opened(acme)["PATCH format"])["Setting"]
    clock.shift(60)
    body = {"Operations": [{"op": "replace", "value": {"title": "Guide"}}]}
    entra.patch(f"/Users/{created['id']}", body)
    both = facts(opened(acme)["PATCH format"])["Setting"]

    assert before == "Unknown: no change of a user has arrived yet"
    assert off.startswith("aadOptscim062020 is off")
    assert both.startswith("Both formats were seen, the last one with aadOptscim062020 on")


def test_the_page_costs_the_same_whatever_the_number_of_users(alice, acme, entra, statements):
    def cost():
        resolution.forget()
        with statements() as executed:
            alice.get(f"/admin/tenants/tenant/{acme.pk}/change/")
        return len(executed)

    entra.post("/Users", user("u0"))
    few = cost()
    for number in range(1, 6):
        entra.post("/Users", user(f"u{number}"))

    assert cost() == few


def test_the_limit_and_its_last_excess_are_shown(opened, acme, settings):
    settings.TENANT_RATE = 50
    before = facts(opened(acme)["Request limit"])
    at = NOW - timedelta(minutes=3)
    traffic.note(acme.id, Exchange(at, Kind.PASSING, marks=frozenset({LIMITED})))

    after = facts(opened(acme)["Request limit"])

    assert before == {"Allowed": "50 a second, 200 at once", "Last exceeded": "Never"}
    assert after["Last exceeded"] == "3 minutes ago"
