"""Restoring a deleted user: who may, what comes back, and when it is refused."""

import pytest
from django.db import transaction

from accounts.models import AuditEntry
from scim.models import AttributeChange, ProvisioningEvent, User
from scim.protocol.definitions import GROUP, USER
from scim.provider import resources
from scim.repository.base import Loading
from tenants.current import in_tenant
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.installed import needs
from tests.support.pages import facts_of, moments_of, nonce_in, table_of

USERS = "/t/acme/admin/scim/user/"
DISABLE = {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}


@pytest.fixture
def deleted(bjensen, guides, remove):
    """bjensen, who was in the tour guides, after Entra deleted her."""
    remove(bjensen)
    return bjensen


def restore(browser, user, *, with_groups=True):
    path = f"{USERS}{user.id}/restore/"
    data = {"nonce": nonce_in(browser.get(path))} | ({"with_groups": "on"} if with_groups else {})
    return browser.post(path, data)


def retrieved(tenant, user):
    with transaction.atomic(), in_tenant(tenant):
        loading = Loading(tenant.tenant_url, USER.relations)
        return resources.retrieve(USER, str(user.id), loading)


def test_a_restored_user_is_there_again_with_id_and_attributes(lena, acme, deleted):
    answer = restore(lena, deleted)

    stored = retrieved(acme, deleted)
    assert (answer.status_code, answer.url) == (302, f"{USERS}{deleted.id}/change/")
    assert (stored.id, stored.resource) == (deleted.id, deleted.resource)
    assert (stored.version, stored.created) == (3, deleted.created)
    assert stored.last_modified > deleted.last_modified


def test_it_is_in_its_former_groups_again_if_wanted(lena, acme, guides, deleted):
    restore(lena, deleted)

    assert [group["value"] for group in retrieved(acme, deleted).related["groups"]] == [
        str(guides.id)
    ]


def test_it_stays_out_of_them_if_not_wanted(lena, acme, guides, deleted):
    restore(lena, deleted, with_groups=False)

    assert "groups" not in retrieved(acme, deleted).related


def test_a_group_that_is_gone_stays_gone(lena, acme, guides, deleted, remove):
    remove(guides, GROUP)

    page = lena.get(f"{USERS}{deleted.id}/restore/")
    restore(lena, deleted)

    assert "It left no group that still exists." in page.text
    assert "groups" not in retrieved(acme, deleted).related


def test_the_page_says_what_comes_back(lena, deleted, guides):
    page = lena.get(f"{USERS}{deleted.id}/restore/")

    assert "with its former id and attributes" in page.text
    assert "It was active when it was deleted" in page.text
    caption = "Existing groups that it left with the deletion"
    assert table_of(page, caption) == [["Tour Guides", str(guides.id)]]


def test_a_disabled_user_is_restored_disabled(lena, acme, bjensen, change, remove):
    change(bjensen, DISABLE)
    remove(bjensen)

    page = lena.get(f"{USERS}{bjensen.id}/restore/")
    restore(lena, bjensen)

    assert "It was disabled when it was deleted, and stays disabled" in page.text
    assert retrieved(acme, bjensen).resource["active"] is False


@needs("inspector")
def test_log_history_and_audit_say_by_whom(lena, acme, guides, deleted):
    restore(lena, deleted)

    page = lena.get(f"{USERS}{deleted.id}/change/")
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get(operation="restore")
    log = lena.get(f"/t/acme/admin/scim/provisioningevent/{event.pk}/change/")
    newest, *_ = moments_of(page)
    assert newest[1] == (
        f"Restored by lena@mypolicies.example (staff) · Request {event.request_id}"
    )
    assert facts_of(log, "The request")["By"] == "lena@mypolicies.example (staff)"
    with in_tenant(acme):
        entry = AuditEntry.objects.get(act="user restored")
    assert (entry.actor, entry.subject) == ("lena@mypolicies.example (staff)", str(deleted.id))
    assert entry.details == {"groups": [str(guides.id)]}


def test_the_history_of_the_group_says_so_too(lena, acme, guides, deleted):
    restore(lena, deleted)

    page = lena.get(f"/t/acme/admin/scim/group/{guides.id}/change/")
    restored, left, _ = moments_of(page)
    assert restored[1].startswith("A member was restored by lena@mypolicies.example (staff)")
    assert left[1].startswith("A member was deleted by")
    assert restored[2:] == left[2:] == ["bjensen@acme.example"]


def test_staff_acts_are_in_the_log_of_staff_too(lena, operator, deleted):
    restore(lena, deleted)

    with in_tenant(operator):
        entry = AuditEntry.objects.get(act="user restored")
    assert entry.details["tenant"] == "acme"


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ({"userName": "BJENSEN@acme.example"}, "Another user has the userName"),
        ({"externalId": BJENSEN["externalId"]}, "Another user has the externalId"),
    ],
)
def test_it_is_refused_while_somebody_else_has_its_names(
    taken, words, lena, acme, deleted, provision
):
    other = provision(acme, JSMITH | taken)

    answer = restore(lena, deleted)

    assert answer.status_code == 200
    assert words in answer.text
    assert str(other.id) in answer.text
    with in_tenant(acme):
        assert User.objects.get(pk=deleted.id).deleted_at is not None
        assert not ProvisioningEvent.objects.filter(operation="restore").exists()
        assert not AuditEntry.objects.filter(act="user restored").exists()


def test_the_same_names_in_another_tenant_do_not_matter(lena, acme, globex, deleted, provision):
    provision(globex, BJENSEN)

    assert restore(lena, deleted).status_code == 302


def test_a_user_who_is_not_deleted_is_not_restored(lena, bjensen):
    page = lena.get(f"{USERS}{bjensen.id}/change/")
    answer = restore(lena, bjensen)

    assert "Restore" not in page.text
    assert "This user is not deleted." in answer.text


def test_the_user_can_be_deleted_and_restored_again(lena, acme, guides, deleted, remove):
    for _ in range(2):
        restore(lena, deleted)
        remove(deleted)
    restore(lena, deleted)

    assert retrieved(acme, deleted).version == 7
    with in_tenant(acme):
        rejoined = AttributeChange.objects.filter(resource_id=guides.id, after__isnull=False)
        assert rejoined.filter(path__startswith="members").count() == 4


def test_as_it_was_follows_the_life_of_the_user(lena, deleted):
    restore(lena, deleted)

    page = lena.get(f"{USERS}{deleted.id}/then/")

    was = facts_of(page, "As it was")
    assert (was["State"], was["Version"]) == ("Active", "3")


def test_support_auditors_and_tenant_admins_may_not(alice, own_host, deleted):
    for browser, prefix in ((alice, "/t/acme"), (own_host, "")):
        path = f"{prefix}/admin/scim/user/{deleted.id}/"
        assert browser.get(f"{path}restore/").status_code == 403
        assert browser.post(f"{path}restore/").status_code == 403
        assert "restore/" not in browser.get(f"{path}change/").text


def test_the_user_of_another_tenant_is_not_there(lena, deleted):
    assert lena.get(f"/t/globex/admin/scim/user/{deleted.id}/restore/").status_code == 404
