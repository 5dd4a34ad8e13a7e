"""Setting single sign-on up: values to copy, the provider's documents, a test, enabling."""

import html
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from accounts.models import AuditEntry, IdentityLink, IdentityProvider
from accounts.permissions import Role
from accounts.sealing import unseal
from accounts.sso import documents
from accounts.sso.models import SECRET_USE
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support import identity
from tests.support.identity import CLIENT_ID, CLIENT_SECRET
from tests.support.pages import facts_of, nonce_in

LIST = "/admin/accounts/identityprovider/"
OIDC = f"{LIST}set-up-oidc/"
SAML = f"{LIST}set-up-saml/"


def act(browser, path, **form):
    """Send the form of an action, as the page has it."""
    return browser.post(path, {**form, "nonce": nonce_in(browser.get(path))})


def oidc_form(provider, **changed):
    return {
        "document_url": provider.document_url,
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        **changed,
    }


def provider_of(tenant, kind="oidc"):
    with in_tenant(tenant):
        return IdentityProvider.objects.get(kind=kind)


def path_to(tenant, view, kind="oidc"):
    return f"{LIST}{provider_of(tenant, kind).pk}/{view}/"


def acts_of(tenant):
    with in_tenant(tenant):
        return list(AuditEntry.objects.order_by("id").values_list("act", "details"))


def test_the_page_has_the_values_for_entra(own_host, acme):
    oidc, saml = own_host.get(OIDC).text, own_host.get(SAML).text

    assert f"{acme.base_url}/admin/sso/oidc/" in oidc
    for value in ("/admin/sso/saml/", "/admin/sso/saml/metadata/", "/admin/sso/saml/start/"):
        assert f"{acme.base_url}{value}" in saml


def test_an_admin_sets_openid_connect_up_and_the_worker_reads_its_documents(
    own_host, acme, globex, provider
):
    answer = act(own_host, OIDC, **oidc_form(provider))

    assert answer.status_code == 302, answer.text
    stored = provider_of(acme)
    assert (stored.issuer, stored.is_read, stored.is_enabled) == (provider.issuer, False, False)
    assert [each.custom_domain for each in documents.tenants_due()] == ["acme"]
    assert documents.advance(acme)
    read = provider_of(acme)
    assert read.document("token_endpoint") == f"{provider.base}/token"
    assert [key["kid"] for key in read.document("keys")] == ["signing"]
    assert documents.tenants_due() == []
    with in_tenant(globex):
        assert not IdentityProvider.objects.exists()


def test_the_secret_is_sealed_and_on_no_page(own_host, acme, provider):
    act(own_host, OIDC, **oidc_form(provider))
    stored = provider_of(acme)

    assert CLIENT_SECRET not in stored.secret
    assert unseal(acme.id, SECRET_USE, stored.secret) == CLIENT_SECRET
    for path in (f"{LIST}{stored.pk}/change/", path_to(acme, "change-oidc")):
        page = own_host.get(path)
        assert (page.status_code, CLIENT_SECRET in page.text, stored.secret in page.text) == (
            200,
            False,
            False,
        )
    assert CLIENT_SECRET not in str(acts_of(acme))


def test_a_new_secret_ends_nobody_s_sign_in_and_another_directory_has_to_be_tested(
    own_host, acme, provider, set_up
):
    set_up(acme, "oidc")

    act(own_host, path_to(acme, "change-oidc"), **oidc_form(provider, secret="another one"))
    changed = provider_of(acme)
    act(own_host, path_to(acme, "change-oidc"), **oidc_form(provider, secret=""))
    kept = provider_of(acme)
    url = f"{provider.base}/other/v2.0/.well-known/openid-configuration"
    act(own_host, path_to(acme, "change-oidc"), **oidc_form(provider, document_url=url))
    moved = provider_of(acme)

    assert (changed.is_enabled, unseal(acme.id, SECRET_USE, changed.secret)) == (
        True,
        "another one",
    )
    assert kept.secret == changed.secret
    assert (moved.is_enabled, moved.tested_at, moved.documents) == (False, None, {})


@pytest.fixture
def today():
    """The day, which lasts as long as the test."""
    with time_machine.travel(clock.now(), tick=False):
        yield clock.now().date()


def test_the_page_says_when_the_secret_ends_and_warns_before(
    own_host, acme, provider, set_up, today
):
    set_up(acme, "oidc")
    page = path_to(acme, "change")
    without = facts_of(own_host.get(page), "Identity provider")["Client secret"]
    day = today + timedelta(days=31)
    act(own_host, path_to(acme, "change-oidc"), **oidc_form(provider, secret_expires_on=day))
    later = own_host.get(page)
    sooner = {"secret": "", "secret_expires_on": day - timedelta(days=1)}
    act(own_host, path_to(acme, "change-oidc"), **oidc_form(provider, **sooner))
    soon = own_host.get(page).text

    assert without == "Stored, without a day of expiry"
    assert facts_of(later, "Identity provider")["Client secret"] == (
        f"Stored, expires on {day:%-d %b %Y}"
    )
    assert "Add another one in Entra" not in later.text
    assert f"The client secret ends on {day - timedelta(days=1):%-d %b %Y}." in soon
    assert f'value="{day - timedelta(days=1)}"' in own_host.get(path_to(acme, "change-oidc")).text


@pytest.mark.parametrize("days", [-1, 0, 3_654])
def test_a_secret_ends_on_a_day_to_come(own_host, acme, provider, days, today):
    day = today + timedelta(days=days)

    answer = act(own_host, OIDC, **oidc_form(provider, secret_expires_on=day))

    assert "Enter a day within the next ten years" in answer.text
    with in_tenant(acme):
        assert not IdentityProvider.objects.exists()


def test_a_secret_that_has_ended_is_kept_with_its_day_until_there_is_another(
    own_host, acme, provider, set_up
):
    set_up(acme, "oidc")
    past = clock.now().date() - timedelta(days=3)
    with in_tenant(acme):
        IdentityProvider.objects.update(secret_expires_on=past)
    form = oidc_form(provider, secret_expires_on=past)

    kept = act(own_host, path_to(acme, "change-oidc"), **{**form, "secret": ""})
    refused = act(own_host, path_to(acme, "change-oidc"), **form)

    assert (kept.status_code, refused.status_code) == (302, 200)
    assert "Enter a day within the next ten years" in refused.text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"document_url": "https://a.example/"}, "ends in"),
        ({"secret_expires_on": "soon"}, "Enter a valid date"),
        ({"document_url": "ftp://a.example/.well-known/openid-configuration"}, "https://"),
        (
            {"document_url": "https://u:p@a.example/.well-known/openid-configuration"},
            "without user",
        ),
        ({"client_id": "a\tb"}, "one line"),
        ({"secret": ""}, "Enter the client secret"),
    ],
    ids=str,
)
def test_wrong_values_are_refused_beside_their_field(own_host, acme, provider, changed, sentence):
    answer = act(own_host, OIDC, **oidc_form(provider, **changed))

    assert (answer.status_code, sentence in answer.text) == (200, True)
    with in_tenant(acme):
        assert not IdentityProvider.objects.exists()


def test_private_addresses_are_not_asked_outside_of_development(own_host, acme, provider, settings):
    settings.DEVELOPMENT = False
    url = "https://127.0.0.1/.well-known/openid-configuration"

    answer = act(own_host, OIDC, **oidc_form(provider, document_url=url))

    assert "not a public address" in answer.text


def test_a_provider_that_does_not_answer_is_shown_and_asked_again(own_host, acme, provider):
    url = f"{provider.base}/nowhere/.well-known/openid-configuration"
    act(own_host, OIDC, **oidc_form(provider, document_url=url))

    documents.advance(acme)

    page = own_host.get(f"{LIST}{provider_of(acme).pk}/change/").text
    assert "The document is about another issuer than its URL." in page
    with in_public():
        assert Tenant.objects.get(pk=acme.pk).identity_due_at > clock.now()


def test_an_admin_sets_saml_up_by_file_or_by_text(own_host, acme, provider):
    file = SimpleUploadedFile("metadata.xml", b"\xef\xbb\xbf" + provider.metadata.encode())

    by_file = act(own_host, SAML, file=file)
    by_text = act(own_host, path_to(acme, "change-saml", "saml"), metadata=provider.metadata)

    assert (by_file.status_code, by_text.status_code) == (302, 302)
    stored = provider_of(acme, "saml")
    assert stored.document("sign_on_url") == f"{provider.base}/{identity.DIRECTORY}/saml2"
    assert "2090-01-01" in own_host.get(f"{LIST}{stored.pk}/change/").text


@pytest.mark.parametrize("text", ["", "<x/>", "\x00", "not XML"])
def test_metadata_that_are_none_are_refused(own_host, acme, text):
    answer = act(own_host, SAML, metadata=text)

    assert (answer.status_code, "Not saved." in answer.text) == (200, True)
    with in_tenant(acme):
        assert not IdentityProvider.objects.exists()


def test_a_provider_is_enabled_once_it_has_been_tested(own_host, acme, provider, visit, come_back):
    act(own_host, SAML, metadata=provider.metadata)

    early = act(own_host, path_to(acme, "enable", "saml"))
    tested = come_back(own_host, visit(own_host, "/admin/sso/saml/test/"))
    later = act(own_host, path_to(acme, "enable", "saml"))

    assert "Test it first" in early.text
    assert tested.status_code == 200
    assert (later.status_code, provider_of(acme, "saml").is_enabled) == (302, True)
    assert [act for act, _ in acts_of(acme) if act.startswith("single")] == [
        "single sign-on set up",
        "single sign-on tested",
        "single sign-on enabled",
    ]


@pytest.mark.parametrize("kind", ["oidc", "saml"])
def test_a_test_shows_who_came_back_and_changes_no_session(
    own_host, acme, tara, set_up, visit, come_back, kind
):
    set_up(acme, kind)

    page = come_back(own_host, visit(own_host, f"/admin/sso/{kind}/test/")).text

    for shown in ("The test succeeded", identity.OBJECT_ID, identity.LOGIN, "No account yet"):
        assert shown in page
    assert tara.email in own_host.get("/admin/").text
    with in_tenant(acme):
        assert not IdentityLink.objects.exists()


def test_a_failed_test_shows_what_was_found_and_the_remedy(
    own_host, acme, set_up, provider, visit, come_back
):
    set_up(acme, "oidc")
    back = visit(own_host, "/admin/sso/oidc/test/")
    provider.answers = {"aud": "another application"}

    page = come_back(own_host, back).text

    for shown in (
        "The test failed",
        "another application",
        "sso.audience",
        "Compare the client id",
    ):
        assert shown in page
    assert acts_of(acme)[-1] == ("single sign-on tested", {"outcome": "sso.audience"})


def test_the_client_s_secret_is_used_and_a_wrong_one_explained(
    own_host, acme, provider, visit, come_back
):
    act(own_host, OIDC, **oidc_form(provider, secret="a wrong one"))
    documents.advance(acme)

    page = come_back(own_host, visit(own_host, "/admin/sso/oidc/test/")).text

    assert "invalid_client" in page
    assert "a wrong one" not in page


def test_a_test_is_for_admins_on_their_own_host(acme, set_up, add, lena, open_browser):
    set_up(acme)
    member = open_browser(acme, add(acme, "mo@acme.example", Role.MEMBER))

    answers = [
        open_browser(acme).get("/admin/sso/oidc/test/"),
        member.get("/admin/sso/oidc/test/"),
        lena.get("/t/acme/admin/sso/oidc/test/"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_an_account_is_linked_by_who_is_signed_in_to_it(
    own_host, acme, tara, set_up, provider, visit, come_back, open_browser
):
    set_up(acme, "oidc")
    asked = act(own_host, path_to(acme, "link"))
    way = html.unescape(asked.text.partition(f'href="{provider.base}')[2].partition('"')[0])
    browser = open_browser(acme)

    linked = come_back(own_host, visit.of(f"{provider.base}{way}"))

    assert linked.status_code == 302
    assert come_back(browser, visit(browser, "/admin/sso/oidc/start/")).status_code == 302
    assert tara.email in browser.get("/admin/").text


def test_another_tenant_s_admin_finds_nothing(acme, gus, globex, set_up, open_browser):
    set_up(acme)
    browser = open_browser(globex, gus)

    paths = [f"{LIST}{provider_of(acme).pk}/change/", path_to(acme, "enable")]

    assert [browser.get(path).status_code for path in paths] == [404, 404]
    assert "Sign in with Microsoft" not in open_browser(globex).get("/admin/login/").text


def test_support_and_auditors_see_it_and_change_nothing(acme, set_up, alice, olaf):
    set_up(acme, "saml")
    page = f"/t/acme{LIST}{provider_of(acme, 'saml').pk}/change/"
    change = f"/t/acme{path_to(acme, 'disable', 'saml')}"

    assert [each.get(page).status_code for each in (alice, olaf)] == [200, 200]
    assert [each.get(change).status_code for each in (alice, olaf)] == [403, 200]


def test_nothing_of_it_is_in_public(acme, set_up):
    set_up(acme)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
            " AND (table_name LIKE '%%identity%%' OR table_name LIKE '%%signon%%')"
        )
        assert cursor.fetchall() == []
