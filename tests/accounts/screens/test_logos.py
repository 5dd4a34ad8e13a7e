"""The logo of a tenant: uploaded, shown beside the name and at sign-in, of no other tenant."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import AuditEntry, Logo
from accounts.permissions import Role
from tenants import resolution
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support.logos import JPEG, png
from tests.support.pages import nonce_in

LIST = "/admin/accounts/logo/"
ADD = f"{LIST}add/"


def upload(browser, content, path=ADD):
    form = {"file": SimpleUploadedFile("logo.png", content), "nonce": nonce_in(browser.get(path))}
    return browser.post(path, form, follow=True)


def logo_of(tenant):
    with in_tenant(tenant):
        return Logo.objects.get()


@pytest.fixture
def at_globex(globex, gus, open_browser):
    return open_browser(globex, gus)


@pytest.fixture
def stranger(acme, open_browser):
    """Somebody at acme's host who has not signed in."""
    return open_browser(acme)


def test_an_uploaded_logo_is_in_the_bar_and_on_the_sign_in_page(own_host, acme, stranger):
    answer = upload(own_host, png())

    image = f'<img class="logo" src="/admin/logo/{logo_of(acme).digest}/" alt="">'
    assert "Logo changed." in answer.text
    assert image in own_host.get("/admin/").text
    assert image in stranger.get("/admin/login/").text


def test_the_picture_is_served_to_all_on_the_own_host_with_its_type_and_may_be_kept(
    own_host, acme, stranger
):
    upload(own_host, JPEG)

    answer = stranger.get(f"/admin/logo/{logo_of(acme).digest}/")

    headers = ("Content-Type", "X-Content-Type-Options", "Cache-Control")
    assert (answer.status_code, answer.content) == (200, JPEG)
    assert [answer.headers[name] for name in headers] == [
        "image/jpeg",
        "nosniff",
        "public, max-age=31536000, immutable",
    ]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_picture_is_on_no_other_tenants_host_and_in_no_other_tenants_bar(
    own_host, acme, at_globex, alice
):
    upload(own_host, png())
    digest = logo_of(acme).digest

    assert at_globex.get(f"/admin/logo/{digest}/").status_code == 404
    assert alice.get(f"/admin/logo/{digest}/").status_code == 404
    assert alice.get(f"/t/globex/admin/logo/{digest}/").status_code == 404
    assert 'class="logo"' not in at_globex.get("/admin/").text


def test_another_upload_takes_the_place_of_the_first(own_host, acme, stranger):
    upload(own_host, png())
    former = logo_of(acme).digest

    upload(own_host, png(shade=7))

    assert logo_of(acme).digest != former
    assert stranger.get(f"/admin/logo/{former}/").status_code == 404


def test_a_removed_logo_is_shown_nowhere(own_host, acme, stranger):
    upload(own_host, png())
    logo = logo_of(acme)
    page = f"{LIST}{logo.pk}/remove/"

    answer = own_host.post(page, {"nonce": nonce_in(own_host.get(page))}, follow=True)

    assert "Logo removed." in answer.text
    assert 'class="logo"' not in stranger.get("/admin/login/").text
    assert stranger.get(f"/admin/logo/{logo.digest}/").status_code == 404
    with in_public():
        assert Tenant.objects.get(pk=acme.pk).logo == ""


def test_a_file_that_is_no_picture_is_refused_beside_its_field_and_nothing_changes(own_host, acme):
    answer = upload(own_host, b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')

    assert "The file is neither PNG nor JPEG." in answer.text
    assert 'aria-invalid="true"' in answer.text
    with in_tenant(acme):
        assert not Logo.objects.exists()


def test_uploading_and_removing_are_in_the_audit_log(own_host, acme):
    upload(own_host, png())

    with in_tenant(acme):
        entry = AuditEntry.objects.filter(act="logo changed").get()
    assert (entry.actor, entry.subject) == ("tara@acme.example (acme)", "acme")
    assert entry.details == {"type": "image/png", "bytes": len(png()), "size": "64 by 32"}


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.SUPPORT, False),
        (Role.AUDITOR, False),
        (Role.SUPPORT_LEAD, True),
        (Role.OPERATOR, True),
    ],
)
def test_staff_who_lead_upload_on_a_visit(role, may, operator, staff, open_browser, acme):
    browser = open_browser(operator, staff[role])

    assert browser.get(f"/t/acme{LIST}").status_code == 200
    assert browser.get(f"/t/acme{ADD}").status_code == (200 if may else 403)
    if may:
        upload(browser, png(), f"/t/acme{ADD}")
        assert logo_of(acme).changed_by == f"{staff[role].email} (staff)"


def test_a_page_with_a_logo_costs_no_statement_more(own_host, acme, statements):
    def cost():
        resolution.forget()
        with statements() as executed:
            own_host.get("/admin/accounts/account/")
        return len(executed)

    without = cost()
    upload(own_host, png())

    assert cost() == without


def test_the_screen_is_for_people_who_have_signed_in(stranger):
    answer = stranger.get(LIST)

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/login/?next={LIST}")
