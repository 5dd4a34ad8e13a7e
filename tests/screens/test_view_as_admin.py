"""Staff view a tenant as its admins do: to read only, for a reason, half an hour long, audited."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import AuditEntry, SecretToken
from accounts.permissions import Role
from tenants.current import in_tenant
from tests.support.installed import is_installed, needs
from tests.support.pages import nonce_in, view_as_admin

NOW = datetime(2026, 11, 25, 14, 2, tzinfo=UTC)
HOME = "/t/acme/admin/"
USERS = "/t/acme/admin/scim/user/"
FORM = "application/x-www-form-urlencoded"
STARTED, ENDED = "view as tenant admin started", "view as tenant admin ended"


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def tenant_page(acme):
    return f"/admin/tenants/tenant/{acme.pk}/change/"


@pytest.fixture
def form(acme):
    return f"/admin/tenants/tenant/{acme.pk}/view-as-admin/"


def banner_of(page):
    """The words of the banner, None without one."""
    found = re.search(r"<section class=\"banner\".*?</section>", page.text, re.DOTALL)
    return found and re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0])).strip()


def navigation_of(page):
    """The targets of the page's navigation, below the site."""
    nav = page.text[page.text.index('id="sections"') :]
    return re.findall(r'href="(?:/t/acme)?/admin/([^"]*)"', nav[: nav.index("</nav>")])


def noted(tenant):
    """Actor, act, subject and details of what the tenant's audit log says about viewing."""
    with in_tenant(tenant):
        entries = AuditEntry.objects.filter(act__startswith="view as tenant admin").order_by("id")
        return list(entries.values_list("actor", "act", "subject", "details"))


def test_the_tenants_page_leads_to_a_form_that_asks_for_the_reason(
    clock, alice, acme, tenant_page, form
):
    assert f'href="{form}"' in alice.get(tenant_page).text

    page = alice.get(form)
    started = view_as_admin(alice, acme)

    assert "View Acme Ltd as its tenant admins do?" in page.text
    assert (started.status_code, started.headers["Location"]) == (302, HOME)


def test_an_auditor_is_not_offered_it(operator, staff, tenant_page, form, open_browser):
    aude = open_browser(operator, staff[Role.AUDITOR])

    assert form not in aude.get(tenant_page).text
    assert aude.post(form, {"reason": "Curious"}).status_code == 403
    assert banner_of(aude.get(HOME)) is None


@pytest.mark.parametrize("reason", ["", "   ", "two\nlines", "x" * 201])
def test_without_a_reason_of_one_line_nothing_begins(reason, alice, acme, operator):
    refused = view_as_admin(alice, acme, reason)

    assert refused.status_code == 200
    assert "Not saved." in refused.text
    assert banner_of(alice.get(HOME)) is None
    assert noted(acme) == noted(operator) == []


def test_a_banner_on_every_page_says_whose_it_is_until_when_and_why(
    clock, alice, acme, bjensen, tenant_page
):
    view_as_admin(alice, acme, "Ticket <4711>")

    set_up = [f"{HOME}setup/"] if is_installed("monitoring") else []
    paths = (HOME, USERS, f"{USERS}{bjensen.id}/change/", *set_up, "/admin/", tenant_page)
    banners = {banner_of(alice.get(path)) for path in paths}

    words = "You are viewing Acme Ltd as its tenant admins do, read-only, until 14:32 UTC."
    assert banners == {f"{words} Reason: Ticket &lt;4711&gt; Stop"}


def test_the_navigation_is_the_tenant_admins(alice, acme, tara, open_browser):
    before = navigation_of(alice.get(HOME))
    view_as_admin(alice, acme)

    shown = navigation_of(alice.get(HOME))

    assert shown == navigation_of(open_browser(acme, tara).get("/admin/"))
    settings = f"tenants/tenant/{acme.pk}/change/"
    assert set(before) - set(shown) == {settings}


@pytest.mark.parametrize(
    "page",
    [
        "accounts/secrettoken/",
        "accounts/secrettoken/{token}/change/",
        "accounts/oauthclient/",
        "accounts/oauthclient/{client}/change/",
        "accounts/account/",
        "accounts/account/{tara}/change/",
        pytest.param("tenants/alarm/", marks=needs("guard")),
        "scim/user/",
        "scim/user/{bjensen}/change/",
        pytest.param("scim/provisioningevent/", marks=needs("inspector")),
        pytest.param("scim/extensionschema/", marks=needs("extensions")),
        pytest.param("scim/eventstream/", marks=needs("events")),
        pytest.param("scim/eventstream/{stream}/change/", marks=needs("events")),
        pytest.param("setup/", marks=needs("monitoring")),
        "",
    ],
)
def test_no_page_shows_an_act_but_stop(page, olaf, acme, minted, created, tara, bjensen, request):
    view_as_admin(olaf, acme)
    names = {"token": minted.token.pk, "client": created.client.pk, "tara": tara.pk}
    names |= {"bjensen": bjensen.id}
    if "{stream}" in page:
        names["stream"] = request.getfixturevalue("stream").pk

    shown = olaf.get(HOME + page.format(**names))

    assert shown.status_code == 200
    assert re.findall(
        r'<form(?! id="(?:changelist|logout)-form")[^>]*method="post"[^>]*>', shown.text
    ) == [f'<form method="post" action="/admin/tenants/tenant/{acme.pk}/view-as-admin/stop/">']
    acts = r"/(?:add|invite|remove|revoke|rotate|move|secret|export|guard|pause|resume|end)/"
    assert [
        href for href in re.findall(r'href="([^"]*)"', shown.text) if re.search(acts, href)
    ] == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_whatever_is_sent_is_refused_with_a_sentence_and_nothing_happens(
    method, olaf, acme, minted
):
    path = f"/t/acme/admin/accounts/secrettoken/{minted.token.pk}/revoke/"
    nonce = nonce_in(olaf.get(path))
    view_as_admin(olaf, acme)

    paths = (path, HOME, USERS, f"{HOME}tenants/alarm/guard/", f"{HOME}scim/user/export/")
    answers = [olaf.generic(method, sent, f"nonce={nonce}", FORM) for sent in paths]

    assert [answer.status_code for answer in answers] == [403] * len(paths)
    assert all("you are viewing Acme Ltd as its tenant admins do" in a.text for a in answers)
    with in_tenant(acme):
        assert SecretToken.objects.get().revoked_at is None


def test_personal_data_stay_masked_for_those_whose_own_role_does_not_see_them(
    alice, lena, acme, bjensen
):
    path = f"{USERS}{bjensen.id}/change/"
    for browser in (alice, lena):
        view_as_admin(browser, acme)

    pages = [browser.get(path).text for browser in (alice, lena)]

    assert ["Barbara Jensen" in page for page in pages] == [False, True]


def test_another_tenants_pages_stay_as_they_are(olaf, acme, globex, jsmith):
    path = "/t/globex/admin/accounts/account/"
    before = olaf.get(path).text
    view_as_admin(olaf, acme)

    page = olaf.get(path)

    assert banner_of(page) is None
    assert 'title="globex.mypolicies.localhost">Globex Inc <span' in page.text
    assert "/t/globex/admin/accounts/account/invite/" in before
    assert "/t/globex/admin/accounts/account/invite/" in page.text
    assert olaf.get("/t/globex/admin/accounts/auditentry/").status_code == 200
    invited = {"nonce": nonce_in(olaf.get(f"{path}invite/")), "email": "gina@globex.example"}
    assert olaf.post(f"{path}invite/", invited).status_code == 302


def test_it_is_of_one_session_and_not_of_the_account(alice, acme, operator, staff, open_browser):
    view_as_admin(alice, acme)

    assert banner_of(open_browser(operator, staff[Role.SUPPORT]).get(HOME)) is None


def test_one_tenant_at_a_time(alice, acme, globex):
    view_as_admin(alice, acme)

    refused = view_as_admin(alice, globex)

    assert "You are viewing Acme Ltd already. Stop that first." in refused.text
    assert noted(globex) == []
    assert banner_of(alice.get(HOME)) is not None


def test_stop_leads_back_to_the_own_role(alice, acme, tenant_page, form):
    view_as_admin(alice, acme)

    stopped = alice.post(f"{form}stop/", follow=True)

    assert stopped.redirect_chain == [(tenant_page, 302)]
    assert "You are viewing Acme Ltd in your own role again." in stopped.text
    assert [banner_of(stopped), banner_of(alice.get(HOME))] == [None, None]
    assert alice.get(f"{HOME}accounts/auditentry/").status_code == 200


def test_stopping_another_tenant_stops_nothing(alice, acme, globex):
    view_as_admin(alice, acme)

    alice.post(f"/admin/tenants/tenant/{globex.pk}/view-as-admin/stop/")

    assert banner_of(alice.get(HOME)) is not None
    assert noted(globex) == []


def test_after_half_an_hour_it_is_over_and_the_form_says_so(clock, alice, acme, form):
    view_as_admin(alice, acme)
    clock.shift(timedelta(minutes=29, seconds=59))
    still = alice.get(HOME)
    clock.shift(timedelta(seconds=1))

    over = alice.get(HOME, follow=True)

    assert banner_of(still) is not None
    assert over.redirect_chain == [(f"{form}?over", 302)]
    assert "The 30 minutes are over." in over.text
    assert banner_of(over) is None


def test_a_form_that_is_sent_when_it_is_over_does_nothing(clock, olaf, acme, minted, form):
    path = f"/t/acme/admin/accounts/secrettoken/{minted.token.pk}/revoke/"
    nonce = nonce_in(olaf.get(path))
    view_as_admin(olaf, acme)
    work_on(olaf, clock)

    answer = olaf.post(path, {"nonce": nonce})

    assert (answer.status_code, answer.headers["Location"]) == (302, f"{form}?over")
    with in_tenant(acme):
        assert SecretToken.objects.get().revoked_at is None


def test_a_view_ends_with_the_role(alice, acme, operator, staff, form):
    view_as_admin(alice, acme)
    with in_tenant(operator):
        staff[Role.SUPPORT].role = Role.AUDITOR
        staff[Role.SUPPORT].save()

    assert alice.get(HOME).headers["Location"] == f"{form}?over"
    assert noted(acme)[-1][1:] == (ENDED, "acme", {"how": "role no longer includes it"})


def stop(browser, clock, form):
    browser.post(f"{form}stop/")


def sign_out(browser, clock, form):
    browser.post("/admin/logout/")


def work_on(browser, clock):
    """Half an hour, in which the session does not end."""
    for _ in range(2):
        browser.get("/admin/")
        clock.shift(timedelta(minutes=15))


def wait_on_the_visit(browser, clock, form):
    work_on(browser, clock)
    browser.get(USERS)


def wait_on_the_staff_site(browser, clock, form):
    work_on(browser, clock)
    browser.get("/admin/")


@pytest.mark.parametrize(
    ("way", "how"),
    [
        (stop, "stopped"),
        (sign_out, "signed out"),
        (wait_on_the_visit, "time was over"),
        (wait_on_the_staff_site, "time was over"),
    ],
)
def test_start_and_end_are_in_both_audit_logs_once(
    way, how, clock, alice, acme, globex, operator, form
):
    view_as_admin(alice, acme)

    way(alice, clock, form)
    alice.get(HOME)

    who, begun = "alice@mypolicies.example (staff)", {"reason": "Ticket 4711"}
    begun |= {"until": "2026-11-25T14:32:00+00:00"}
    assert noted(acme) == [(who, STARTED, "acme", begun), (who, ENDED, "acme", {"how": how})]
    assert noted(operator) == [
        (who, STARTED, "acme", {"tenant": "acme", **begun}),
        (who, ENDED, "acme", {"tenant": "acme", "how": how}),
    ]
    assert noted(globex) == []


def test_starting_again_ends_the_first_and_takes_the_new_reason(clock, alice, acme):
    view_as_admin(alice, acme)
    clock.shift(timedelta(minutes=10))

    view_as_admin(alice, acme, "Ticket 4712")

    assert "until 14:42 UTC. Reason: Ticket 4712" in banner_of(alice.get(HOME))
    assert [(act, details.get("how")) for _, act, _, details in noted(acme)] == [
        (STARTED, None),
        (ENDED, "started again"),
        (STARTED, None),
    ]


def test_pages_opened_during_a_view_are_in_the_tenants_audit_log(alice, acme, bjensen):
    view_as_admin(alice, acme)

    alice.get(USERS)

    with in_tenant(acme):
        entry = AuditEntry.objects.first()
    assert (entry.actor, entry.act) == ("alice@mypolicies.example (staff)", "user list viewed")


def test_a_session_that_signed_out_takes_nothing_into_the_next_one(alice, acme, operator, staff):
    view_as_admin(alice, acme)
    alice.post("/admin/logout/")
    with in_tenant(operator):
        alice.force_login(staff[Role.SUPPORT])

    assert banner_of(alice.get(HOME)) is None
