"""Initial and incremental cycles of two directories, and what the service believes after each.

tests/support/entra.py speaks as the Entra provisioning service does, both flavors of PATCH in turn;
after every step the whole list of users is compared with what it believes. Over HTTP in one
process; tests/e2e/test_races.py asks a server of its own.
"""

from dataclasses import replace

import pytest

from tests.support.entra import Person, ProvisioningService, newer, older
from tests.support.payloads import listed

BABS = Person(
    "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "bjensen@contoso.com",
    "Barbara.Jensen@contoso.com",
    given_name="Barbara",
    surname="Jensen",
    display_name="Barbara Jensen",
    country="Belize",
)
JOHN = Person(
    "58342554-38d6-4ec8-948c-50044d0a33fd",
    "jsmith@contoso.com",
    "john@contoso.com",
    given_name="John",
    manager=BABS.object_id,
)
ZOE = Person("6764549c-bef6-4d6e-8d9b-3a5b0d6c1f4e", "zo\u00eb.o'hara@contoso.com", "z@contoso.com")
STAFF = (BABS, JOHN, ZOE)


@pytest.fixture
def entra(acme, scim):
    """The job of acme's directory, after its initial cycle."""
    return started(scim(acme))


@pytest.fixture
def other(globex, scim):
    """The job of globex's directory, which holds people of the same names."""
    return started(scim(globex))


def started(client):
    service = ProvisioningService(client)
    service.run_cycle(STAFF)
    service.check()
    return service


def after(service, *people):
    """The service after a cycle over those people, with its beliefs confirmed."""
    service.run_cycle(people)
    service.check()
    return service


# --- the initial cycle ------------------------------------------------------------------------


@pytest.mark.quirk("E4")
@pytest.mark.quirk("E11")
@pytest.mark.quirk("E22")
def test_the_initial_cycle_creates_everybody_and_then_the_managers(entra):
    assert entra.failures == []
    assert set(entra.anchors) == {person.object_id for person in STAFF}
    assert entra.managers == {JOHN.object_id: entra.anchors[BABS.object_id]}


def test_a_cycle_without_a_change_changes_nothing(entra):
    before = entra.client.get("/Users").json

    after(entra, *STAFF)

    assert entra.client.get("/Users").json == before


def test_a_disabled_person_is_not_created(scim, acme):
    service = ProvisioningService(scim(acme))

    after(service, replace(BABS, is_enabled=False), replace(JOHN, is_assigned=False))

    assert service.client.get("/Users").json == listed()


def test_a_single_user_can_be_provisioned_on_demand(scim, acme):
    service = ProvisioningService(scim(acme))

    after(service, JOHN)

    assert (list(service.anchors), service.managers) == ([JOHN.object_id], {})


def test_a_restarted_job_finds_everybody_again(entra):
    before = dict(entra.anchors)
    for person in STAFF:
        entra.anchors.pop(person.object_id)

    after(entra, *STAFF)

    assert entra.anchors == before


# --- incremental cycles -----------------------------------------------------------------------

CHANGES = {
    "a name": {"surname": "Smith", "display_name": "Barbara Smith"},
    "an e-mail": {"mail": "babs@contoso.com"},
    "a country": {"country": "ML"},
    "the user principal name": {"upn": "babs@contoso.com"},
    "its letter case": {"upn": "BJensen@Contoso.com"},
    "everything": {
        "upn": "babs@contoso.com",
        "mail": "upd-1a2b3c4d",
        "given_name": "Babs",
        "surname": "O'Hara",
        "display_name": "Babs O'Hara \U0001f600",
        "country": "upd-1a2b3c4d",
        "is_enabled": False,
    },
}


@pytest.mark.quirk("E1")
@pytest.mark.quirk("E2")
@pytest.mark.quirk("E6")
@pytest.mark.quirk("E9")
@pytest.mark.parametrize("first", [older, newer])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_arrives_in_both_flavors_and_can_be_taken_back(change, first, entra, other):
    entra.speak(first)

    after(entra, replace(BABS, **change), JOHN, ZOE)
    after(entra, *STAFF)

    assert (entra.failures, other.failures) == ([], [])
    other.check()


@pytest.mark.quirk("E7")
@pytest.mark.parametrize("first", [older, newer])
def test_attributes_are_added_to_who_has_none(first, entra):
    entra.speak(first)

    after(entra, BABS, JOHN, replace(ZOE, country="Sierra Leone", given_name="Zo\u00eb"))

    assert entra.failures == []


@pytest.mark.quirk("E3")
@pytest.mark.quirk("E4")
@pytest.mark.parametrize("first", [older, newer])
def test_a_manager_is_changed_and_removed(first, entra):
    entra.speak(first)

    after(entra, BABS, replace(JOHN, manager=ZOE.object_id), replace(ZOE, manager=BABS.object_id))
    after(entra, BABS, replace(JOHN, manager=None), replace(ZOE, manager=None))

    assert (entra.failures, set(entra.managers.values())) == ([], {""})


def test_many_cycles_in_mixed_flavors_in_two_tenants(entra, other):
    people = {person.object_id: person for person in STAFF}
    steps = [
        (BABS, {"surname": "A"}),
        (JOHN, {"manager": ZOE.object_id, "country": "Chad"}),
        (ZOE, {"upn": "zoe@contoso.com", "given_name": "Zoe"}),
        (BABS, {"is_enabled": False}),
        (JOHN, {"manager": None, "surname": "Smythe"}),
        (ZOE, {"manager": JOHN.object_id, "mail": "zz@contoso.com"}),
        (BABS, {"is_enabled": True, "surname": "B"}),
    ]
    for number, (person, change) in enumerate(steps):
        people[person.object_id] = replace(people[person.object_id], **change)
        busy, idle = (entra, other) if number % 2 else (other, entra)

        after(busy, *people.values())

        idle.check()
    after(entra, *people.values())
    assert (entra.failures, other.failures) == ([], [])


# --- disable, restore, delete -----------------------------------------------------------------


@pytest.mark.parametrize("way", [{"is_assigned": False}, {"is_enabled": False}])
def test_a_person_out_of_scope_is_disabled_and_restored_with_the_same_id(way, entra):
    identifier = entra.anchors[BABS.object_id]

    after(entra, replace(BABS, **way), JOHN, ZOE)
    assert entra.client.get(f"/Users/{identifier}").json["active"] is False

    after(entra, *STAFF)
    assert entra.client.get(f"/Users/{identifier}").json["active"] is True
    assert entra.managers == {JOHN.object_id: identifier}


def test_a_disabled_user_is_still_found(entra):
    after(entra, replace(BABS, is_enabled=False), JOHN, ZOE)

    found = entra.client.get("/Users", filter=f'userName eq "{BABS.upn.upper()}"')

    assert [each["id"] for each in found.json["Resources"]] == [entra.anchors[BABS.object_id]]


@pytest.mark.quirk("E28")
def test_a_permanently_deleted_person_comes_back_with_a_new_id(entra, other):
    former = entra.anchors[ZOE.object_id]
    after(entra, BABS, JOHN, replace(ZOE, is_assigned=False))
    entra.delete(ZOE)
    entra.check()

    after(entra, *STAFF)

    assert entra.anchors[ZOE.object_id] != former
    assert entra.client.get(f"/Users/{former}").status == 404
    other.check()


def test_a_rehired_person_takes_over_the_disabled_account(entra):
    """A new object in the directory with the former one's name: the look-up by userName hits."""
    identifier = entra.anchors[BABS.object_id]
    after(entra, replace(BABS, is_enabled=False), JOHN, ZOE)
    again = replace(BABS, object_id="c6c1a0a4-2a5e-4a43-9a43-1d1c2f0e7c11", surname="Smith")

    after(entra, again, replace(JOHN, manager=again.object_id), ZOE)

    assert entra.anchors[again.object_id] == identifier
    assert entra.client.get(f"/Users/{identifier}").json["externalId"] == again.object_id
    assert entra.failures == []


# --- what the administrator must repair -------------------------------------------------------


@pytest.mark.parametrize("upn", ["bjensen@contoso.com", "BJENSEN@contoso.com"])
def test_a_rename_to_a_name_that_is_taken_fails_until_it_is_repaired(upn, entra):
    after(entra, BABS, JOHN, replace(ZOE, upn=upn, given_name="Zo\u00eb"))
    assert entra.failures == [(ZOE.object_id, 409, "uniqueness")]

    after(entra, BABS, JOHN, replace(ZOE, upn="zoe@contoso.com", given_name="Zo\u00eb"))
    assert entra.failures == []


def test_a_required_attribute_that_becomes_blank_changes_nothing(entra):
    after(entra, BABS, JOHN, replace(ZOE, mail=" ", given_name="Zo\u00eb"))

    assert entra.failures == [(ZOE.object_id, 400, "invalidValue")]


def test_one_failure_does_not_keep_the_others_from_being_provisioned(scim, acme):
    service = ProvisioningService(scim(acme))

    after(service, BABS, replace(JOHN, mail=""), ZOE)

    assert service.failures == [(JOHN.object_id, 400, "invalidValue")]
    assert set(service.anchors) == {BABS.object_id, ZOE.object_id}
