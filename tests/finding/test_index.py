"""Users of all tenants found by their whole names, by digests that the worker writes."""

import pytest
from django.db import connection

from accounts.console.listing import uuid_in
from scim.finding import index
from scim.finding.feature import FEATURE
from scim.protocol.definitions import USER
from scim.provider import resources
from scim.provider.features import Person
from scim.provider.resources import Existing
from scim.repository.base import Loading
from tenants.current import in_public, in_tenant
from tenants.models import UserDigests, UserIndexing
from tests.support.at_screens import BJENSEN, JSMITH, requester

BARBARA = (
    BJENSEN["userName"],
    "Barbara.Jensen@acme.example",
    "Barbara Jensen",
    BJENSEN["externalId"],
)


def found(term):
    """The custom domains of the tenants with users of that name, and the users' ids."""

    return [(each.tenant.custom_domain, each.user_id) for each in index.find(term, uuid_in(term))]


@pytest.mark.parametrize("term", [*BARBARA, "BJENSEN@Acme.Example", "barbara jensen"])
def test_a_user_is_found_by_each_whole_name(term, acme, bjensen, jsmith, work):
    work()

    assert found(term) == [("acme", bjensen.id)]


def test_a_user_is_found_by_its_id(acme, bjensen, jsmith, work):
    work()

    assert found(str(bjensen.id)) == [("acme", bjensen.id)]


@pytest.mark.parametrize("term", ["bjensen", "bjensen@acme.exampl", "Barbara", "*", "%"])
def test_parts_of_a_name_find_nothing(term, acme, bjensen, work):
    work()

    assert found(term) == []


def test_the_same_name_in_two_tenants_is_found_in_both(acme, globex, bjensen, provision, work):
    twin = provision(globex, JSMITH | {"userName": BJENSEN["userName"]})

    work()

    assert sorted(found(BJENSEN["userName"])) == [("acme", bjensen.id), ("globex", twin.id)]


def test_the_registry_holds_no_name(acme, bjensen, work):
    work()

    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(d)::text FROM tenants_userdigests AS d")
        [(row,)] = cursor.fetchall()
    assert [value for value in (*BARBARA, "bjensen", "acme") if value.lower() in row.lower()] == []


def test_a_change_just_made_waits_until_it_is_committed_for_sure(acme, bjensen, work):
    work(minutes=0)

    assert found(BJENSEN["userName"]) == []

    work()

    assert found(BJENSEN["userName"]) == [("acme", bjensen.id)]


def test_a_renamed_user_is_found_by_the_new_name_alone(acme, bjensen, work):
    work()
    rename = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "userName", "value": "barbara@acme.example"}],
    }
    with in_tenant(acme):
        resources.modify(
            Existing(USER, str(bjensen.id), Loading(acme.tenant_url, ())), rename, requester(acme)
        )

    work(minutes=90)

    assert found("barbara@acme.example") == [("acme", bjensen.id)]
    assert found(BJENSEN["userName"]) == []


def test_a_deleted_user_is_still_found(acme, bjensen, work):
    with in_tenant(acme):
        resources.delete(
            Existing(USER, str(bjensen.id), Loading(acme.tenant_url, ())), requester(acme)
        )

    work()

    assert found(BJENSEN["userName"]) == [("acme", bjensen.id)]


def test_erasure_removes_the_digests_of_that_tenant_alone(acme, globex, bjensen, provision, work):
    twin = provision(globex, JSMITH | {"userName": BJENSEN["userName"]})
    work()

    with in_tenant(acme):
        removed = FEATURE.erase(Person(frozenset({bjensen.id, twin.id}), frozenset()))

    assert removed == {"digests for the search": 1}
    assert found(BJENSEN["userName"]) == [("globex", twin.id)]


def test_another_key_makes_every_row_anew(acme, bjensen, jsmith, work, settings):
    work()
    settings.SECRET_KEY = "another key, as long as such a key has to be in earnest"
    lost = found(BJENSEN["userName"])

    work()

    assert (lost, found(BJENSEN["userName"])) == ([], [("acme", bjensen.id)])
    assert UserDigests.objects.count() == 2


def test_with_the_former_key_beside_everybody_is_found_meanwhile(
    acme, globex, bjensen, provision, work, settings
):
    provision(globex, JSMITH)
    work()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, as long as such a key has to be in earnest"

    before = found(BJENSEN["userName"])
    work()

    assert (before, found(BJENSEN["userName"])) == ([("acme", bjensen.id)], [("acme", bjensen.id)])
    assert [tenant for tenant, _ in found(JSMITH["userName"])] == ["globex"]


def test_a_piece_at_a_time_comes_to_the_end(acme, provision, work, monkeypatch):
    monkeypatch.setattr(index, "PIECE", 2)
    made = [
        provision(acme, JSMITH | {"userName": f"user{n}", "externalId": f"x{n}"}) for n in range(5)
    ]

    work()

    assert [found(f"user{n}") for n in range(5)] == [[("acme", each.id)] for each in made]


def test_a_tenant_that_is_indexed_is_not_due_until_it_has_news(acme, globex, bjensen, work):
    work()

    assert index.tenants_with_work() == []
    with in_public():
        UserIndexing.objects.filter(tenant=acme).update(looked_at=None)
    assert index.tenants_with_work() == [acme]


def test_a_tenant_that_goes_takes_its_digests_along(acme, globex, bjensen, jsmith, work):
    work()

    with in_public():
        UserDigests.objects.filter(tenant=acme).delete()

    assert found(JSMITH["userName"]) == [("globex", jsmith.id)]
