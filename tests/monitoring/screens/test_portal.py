"""The tenant's own first page and the page that leads through the set-up in Entra."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts import actions
from accounts.actions import TokenRequest
from accounts.models import AuditEntry
from tenants import resolution, traffic
from tenants.current import in_tenant
from tenants.traffic import Exchange, Kind
from tests.support.at_screens import JSMITH
from tests.support.clients import ScimClient
from tests.support.installed import needs
from tests.support.pages import table_of
from tests.support.payloads import user

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
PROGRESS = "/admin/setup/progress/"
CYCLE = 2400  # seconds from one cycle of Entra's to the next


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def states(page):
    return [step.state for step in page.context["progress"].steps]


def stats(browser):
    return {stat.label: stat.value for stat in browser.get("/admin/").context["overview"].stats}


def test_a_new_tenant_is_led_to_the_set_up(at_home):
    page = at_home.get("/admin/")

    assert "Entra is not connected yet." in page.text
    assert '<a href="/admin/setup/">Set up Entra</a>' in page.text


def test_the_set_up_has_the_tenants_own_values_and_whom_to_ask(at_home, acme):
    page = at_home.get("/admin/setup/").text

    assert f'<code id="tenant-url">{acme.tenant_url}</code>' in page
    assert "mailto:support@mypolicies.com" in page
    assert "Generate secret token" not in page
    assert "emails[type eq &quot;work&quot;].value" in page


def test_staff_on_a_visit_are_led_to_generate_the_token(alice, acme):
    page = alice.get("/t/acme/admin/setup/").text

    assert 'href="/t/acme/admin/accounts/secrettoken/add/"' in page
    assert 'data-refresh="/t/acme/admin/setup/progress/"' in page


def test_the_panel_follows_the_set_up_from_nothing_to_the_first_user(
    at_home, acme, tara, command, clock
):
    seen = [states(at_home.get(PROGRESS))]
    minted = actions.mint_token(command, acme, TokenRequest("Entra", tara.email, days=365))
    seen.append(states(at_home.get(PROGRESS)))
    entra = ScimClient(acme, minted.value)
    entra.get("/Users", filter='userName eq "c9b1"')
    seen.append(states(at_home.get(PROGRESS)))
    entra.post("/Users", user("first"))
    seen.append(states(at_home.get(PROGRESS)))

    assert seen == [
        ["waiting", "waiting", "waiting"],
        ["ok", "waiting", "waiting"],
        ["ok", "ok", "waiting"],
        ["ok", "ok", "ok"],
    ]
    assert "Everything works." in at_home.get(PROGRESS).text


def test_steps_that_are_done_are_ticked_off(at_home, acme, entra, provision):
    """By the page, and by what an open page fetches."""
    ticked = r'data-live="(\w+)"><span class="badge" data-state="ok">Done'
    entra.get("/Users", filter='userName eq "nobody"')
    half = [re.findall(ticked, at_home.get(path).text) for path in ("/admin/setup/", PROGRESS)]
    provision(acme, JSMITH)
    whole = [re.findall(ticked, at_home.get(path).text) for path in ("/admin/setup/", PROGRESS)]

    assert half == [["token", "connected"]] * 2
    assert whole == [["token", "connected", "user"]] * 2


def test_the_set_up_has_a_command_to_test_with(at_home, acme):
    page = at_home.get("/admin/setup/").text

    command = page[page.index('<pre id="test-command"') :].partition("</pre>")[0]
    assert f'curl -sS -G "{acme.tenant_url}/Users"' in command
    assert "$TOKEN" in command


def test_a_test_connection_with_a_wrong_token_is_told_with_what_to_do(at_home, acme, minted):
    ScimClient(acme, minted.value[:-1]).get("/Users")

    panel = at_home.get(PROGRESS)

    assert states(panel) == ["ok", "failing", "waiting"]
    assert "cut off or mistyped" in panel.text
    assert "Copy the complete secret token" in panel.text


@needs("inspector")
@needs("problems")
def test_a_user_that_is_refused_turns_the_third_step_red_and_leads_to_the_request(
    at_home, acme, entra, clock, write_problems
):
    entra.get("/Users", filter='userName eq "c9b1"')
    clock.shift(2)
    entra.post("/Users", {"userName": "first@acme.example", "externalId": "first"})
    write_problems()
    refused = at_home.get(PROGRESS)
    clock.shift(2)
    entra.post("/Users", user("first", externalId="first"))
    write_problems()

    assert states(refused) == ["ok", "ok", "failing"]
    assert "Entra is connected" in refused.text
    assert "A user or group was refused" in refused.text
    assert re.search(
        r'<a href="/admin/scim/provisioningevent/\?q=[^"]+">View request</a>', refused.text
    )
    assert states(at_home.get(PROGRESS)) == ["ok", "ok", "ok"]


@needs("problems")
def test_a_look_up_that_is_refused_after_the_connection_worked_is_the_third_step(
    at_home, entra, clock, write_problems
):
    entra.get("/Users", filter='userName eq "c9b1"')
    clock.shift(2)
    entra.get("/Users", filter="userName eq")
    write_problems()

    assert states(at_home.get(PROGRESS)) == ["ok", "ok", "failing"]


@needs("problems")
def test_a_test_connection_whose_filter_is_refused_is_the_second_step(
    at_home, entra, write_problems
):
    entra.get("/Users", filter="userName eq")
    write_problems()

    panel = at_home.get(PROGRESS)

    assert states(panel) == ["ok", "failing", "waiting"]
    assert "A look-up was refused just now" in panel.text


def test_requests_of_entra_appear_with_the_panel(at_home, entra, clock):
    """One answer holds all parts of the page that change, so that they cannot contradict each other."""
    before = at_home.get(PROGRESS).text
    entra.get("/Users", filter='userName eq "c9b1"')
    clock.shift(2)
    entra.post("/Users", user("first"))
    after = at_home.get(PROGRESS).text

    page = at_home.get("/admin/setup/").text
    assert re.findall(r'data-live="(\w+)"', page) == re.findall(r'data-live="(\w+)"', after)
    assert "No user has been sent yet." in before
    assert "First user provisioned" in after
    assert "No mistakes seen." not in before
    assert "No user has been sent yet." not in after
    assert before.count("Not yet") > after.count("Not yet")


def test_users_who_came_before_requests_were_watched_are_no_contradiction(at_home, acme, provision):
    provision(acme, JSMITH)

    page = at_home.get("/admin/setup/").text

    assert "First user provisioned" in page
    assert "No user has been sent yet." not in page


def test_another_tenants_traffic_and_users_make_nothing_green(
    at_home, globex, gus, command, provision, minted
):
    theirs = actions.mint_token(command, globex, TokenRequest("Entra", gus.email, days=365))
    ScimClient(globex, theirs.value).get("/Users")
    provision(globex, JSMITH)

    assert states(at_home.get(PROGRESS)) == ["ok", "waiting", "waiting"]
    assert stats(at_home)["Active users"] == 0


def test_the_panel_costs_few_statements(at_home, entra, statements):
    entra.get("/Users")
    at_home.get(PROGRESS)
    resolution.forget()

    with statements() as executed:
        at_home.get(PROGRESS)

    assert len(executed) <= 8  # host, session, account, marks, token, traffic, user


def test_the_first_page_counts_users_and_groups(at_home, entra):
    entra.post("/Users", user("one"))
    entra.post("/Users", user("two", active=False))
    entra.post("/Groups", {"displayName": "Guides", "externalId": "g"})

    found = stats(at_home)

    assert found == {"Connection": "Connected", "Active users": 1, "Disabled users": 1, "Groups": 1}


@needs("inspector")
@needs("problems")
def test_the_first_page_says_what_fails_and_leads_to_the_request(
    at_home, entra, clock, write_problems
):
    entra.post("/Users", user("one"))
    clock.shift(2)
    entra.post("/Users", user("one"))
    write_problems()

    page = at_home.get("/admin/")

    assert stats(at_home)["Connection"] == "Needs attention"
    assert "/admin/tenants/problem/?reason=user.name-taken" in page.text
    assert "Creation refused: user name taken" in page.text


@needs("inspector")
def test_a_failure_that_entra_repeats_is_listed_once(at_home, entra, clock):
    for name in ("one", "two"):
        body = {key: value for key, value in user(name).items() if key != "emails"}
        for _ in range(3):
            entra.post("/Users", body)
            clock.shift(120)

    rows = table_of(at_home.get("/admin/"), "Last failures")

    assert [row[:2] for row in rows] == [
        ["2 minutes ago", "Creation refused: no work e-mail"],
        ["8 minutes ago", "Creation refused: no work e-mail"],
    ]


@needs("inspector")
def test_a_failure_is_listed_after_eighty_refusals_of_other_requests(at_home, entra, clock):
    """Entra repeats what was refused 36 times a day; the latest 1,000 refusals are looked at."""
    first, second = (
        {key: value for key, value in user(name).items() if key != "emails"} for name in ("a", "b")
    )
    clock.shift(-40 * CYCLE)
    entra.post("/Users", first)
    for _ in range(40):
        clock.shift(CYCLE)
        entra.post("/Users", second)
        entra.get("/Users?filter=userName+eq")
        entra.get("/Users")

    rows = table_of(at_home.get("/admin/"), "Last failures")

    assert [row[:2] for row in rows] == [
        ["just now", "Look-up refused: unreadable filter"],
        ["just now", "Creation refused: no work e-mail"],
        ["1 day ago", "Creation refused: no work e-mail"],
    ]


def test_a_revoked_token_beside_one_that_works_is_a_warning(at_home, acme, tara, entra, command):
    minted = actions.mint_token(command, acme, TokenRequest("HR export", tara.email, days=90))
    entra.get("/Users")
    actions.revoke_token(command, acme, minted.token.pk)
    ScimClient(acme, minted.value).get("/Users")
    traffic.flush()

    [banner] = at_home.get("/admin/").context["overview"].banners

    assert (banner.state, banner.title) == (
        "warning",
        f"Requests still come with the secret token {minted.token}, which was revoked.",
    )
    assert "Another credential works, so provisioning continues." in banner.sentence


def test_the_first_page_says_when_the_next_cycle_is_expected(at_home, acme):
    traffic.note(acme.id, Exchange(NOW - timedelta(minutes=10), Kind.READ))
    traffic.flush()

    page = at_home.get("/admin/").text

    assert "Last request 10 minutes ago. Next cycle: about 2026-11-25 10:30 UTC." in page


def test_the_first_page_lists_the_own_tokens_that_expire_soon(
    at_home, gus_at_home, acme, tara, command
):
    actions.mint_token(command, acme, TokenRequest("Old one", tara.email, days=8))

    assert "Secret token Old one" in at_home.get("/admin/").text
    assert "Old one" not in gus_at_home.get("/admin/").text


def test_a_chart_counts_the_own_requests_only(at_home, gus_at_home, entra):
    entra.get("/Users")
    traffic.flush()

    assert "25 Nov: 1 Answered" in at_home.get("/admin/").text
    assert "25 Nov: 1 Answered" not in gus_at_home.get("/admin/").text


def test_the_first_page_costs_the_same_whatever_the_number_of_users(at_home, entra, statements):
    def cost():
        resolution.forget()
        with statements() as executed:
            at_home.get("/admin/")
        return len(executed)

    entra.post("/Users", user("u0"))
    few = cost()
    for number in range(1, 6):
        entra.post("/Users", user(f"u{number}"))
        entra.post("/Users", user(f"u{number}"))

    assert cost() == few <= 14


def test_pages_that_staff_open_on_a_visit_are_audited(alice, acme):
    alice.get("/t/acme/admin/")
    alice.get("/t/acme/admin/setup/")

    with in_tenant(acme):
        acts = list(AuditEntry.objects.order_by("id").values_list("act", flat=True))
    assert acts[-2:] == ["overview viewed", "set-up viewed"]


@pytest.mark.parametrize("path", ["/admin/setup/", PROGRESS])
def test_progress_requires_a_sign_in(path, acme, open_browser):
    answer = open_browser(acme).get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={path}")


def test_only_pages_of_data_that_entra_manages_say_so(at_home, acme, minted, entra):
    created = entra.post("/Users", user("one")).json
    badge = "Managed by Microsoft Entra ID</span>"

    managed = [f"/admin/scim/user/{end}" for end in ("", f"{created['id']}/change/")]
    own = [f"/admin/accounts/secrettoken/{end}" for end in ("", f"{minted.token.pk}/change/")]

    assert [badge in at_home.get(path).text for path in managed] == [True, True]
    assert [badge in at_home.get(path).text for path in own] == [False, False]
