"""Defining, changing and removing a tenant's schema: who may, what is refused, what is audited."""

import pytest
from django.db import transaction

from accounts import actions
from accounts.actions import ActionRefused, Actor, NotPermitted
from accounts.models import AuditEntry
from accounts.permissions import Role
from scim.extensions.defining import MAX_SCHEMAS, Definition, define_schema, remove_schema
from scim.extensions.models import ExtensionSchema
from scim.provider import catalog
from tenants.current import in_tenant
from tenants.models import Tenant
from tests.extensions.definitions import definition
from tests.support.people import COMMAND
from tests.support.schemas import ACME

SHIRT = {"name": "shirt"}
BADGE = {"name": "badge", "uniqueness": "server"}


def user(name: str, **values):
    return {
        "userName": f"{name}@acme.example",
        "externalId": name,
        "emails": [{"type": "work", "value": f"{name}@acme.example"}],
        ACME: values,
    }


def rows(tenant, model=ExtensionSchema):
    with in_tenant(tenant):
        return list(model.objects.all())


def define(tenant, *attributes, actor=COMMAND, **asked):
    return define_schema(actor, tenant, definition(*attributes, **asked))


def refused(tenant, *attributes, **asked) -> str:
    before = rows(tenant)
    with pytest.raises(ActionRefused) as refusal:
        define(tenant, *attributes, **asked)
    assert rows(tenant) == before
    return str(refusal.value)


def staff(operator, role):
    account = actions.create_account(COMMAND, operator, f"{role}@mypolicies.example", "", role)
    return Actor.account(account, operator, "192.0.2.7")


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_support_and_auditors_may_neither_define_nor_remove(acme, operator, role):
    actor = staff(operator, role)

    with pytest.raises(NotPermitted):
        define(acme, SHIRT, actor=actor)
    define(acme, SHIRT)
    with pytest.raises(NotPermitted):
        remove_schema(actor, acme, ACME)


def test_a_tenant_admin_may_not_define(acme):
    account = actions.create_account(COMMAND, acme, "tara@acme.example", "", Role.ADMIN)

    with pytest.raises(NotPermitted):
        define(acme, SHIRT, actor=Actor.account(account, acme, "192.0.2.7"))


@pytest.mark.owner  # an index is built
def test_a_support_lead_defines_changes_and_removes_and_both_audit_logs_tell(
    acme, globex, operator
):
    lead = staff(operator, Role.SUPPORT_LEAD)

    define(acme, SHIRT, actor=lead)
    define(acme, SHIRT, BADGE, actor=lead)
    remove_schema(lead, acme, ACME)

    told = [
        ("schema defined", {"type": "User", "attributes": 1}),
        ("schema changed", {"type": "User", "attributes": 2}),
        ("schema removed", {"type": "User"}),
    ]
    for tenant, also in ((acme, {}), (operator, {"tenant": "acme"})):
        entries = [e for e in rows(tenant, AuditEntry) if e.act.startswith("schema")]
        entries.sort(key=lambda entry: entry.pk)
        assert [(e.act, e.details) for e in entries] == [(a, {**also, **d}) for a, d in told]
        assert {(e.actor, e.subject) for e in entries} == {(lead.name, ACME)}
    assert rows(globex) == []


@pytest.mark.owner  # an index is built
def test_only_that_tenant_is_told_to_read_its_schemas_again(acme, globex):
    define(acme, SHIRT)
    first = Tenant.objects.get(custom_domain="acme").schemas_revision
    define(acme, SHIRT, BADGE)
    second = Tenant.objects.get(custom_domain="acme").schemas_revision
    remove_schema(COMMAND, acme, ACME)

    assert None not in {first, second}
    assert first != second
    assert Tenant.objects.get(custom_domain="acme").schemas_revision is None
    assert Tenant.objects.get(custom_domain="globex").schemas_revision is None


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Definition("{"), "The definition is not JSON: line 1, column 2."),
        (Definition("[" * 100_000), "The definition nests more than 32 levels."),
        (
            Definition('{"id": 1, "ID": 2}'),
            "The definition names one member twice, as id and ID: letter case does not count.",
        ),
        (Definition(" " * 131_073), "The definition is longer than 131072 characters."),
        (Definition("[]"), "The definition must be a JSON object, as /Schemas shows one."),
        (Definition("{}", "Device"), "The resource type must be one of User, Group."),
    ],
)
def test_an_invalid_definition_is_refused_with_a_sentence(acme, asked, sentence):
    with pytest.raises(ActionRefused) as refusal:
        define_schema(COMMAND, acme, asked)

    assert str(refusal.value) == sentence


@pytest.mark.owner  # an index is built
def test_type_and_case_stay_while_someone_has_values_even_a_deleted_user(acme, scim):
    client = scim(acme)
    define(acme, SHIRT, BADGE)
    identifier = client.post("/Users", user("a", shirt="M")).json["id"]
    client.delete(f"/Users/{identifier}")

    sentence = refused(acme, {"name": "shirt", "type": "integer"}, BADGE)
    assert sentence == (
        "1 User has values that could not be read any more, deleted ones included:"
        " shirt has another type, multiValued or caseExact."
    )
    assert refused(acme, BADGE).endswith(" shirt is missing.")
    assert (
        refused(acme, SHIRT, resource_type="Group") == "1 User has values of it, so it must stay."
    )
    assert len(define(acme, SHIRT, BADGE, {"name": "size"}).definition["attributes"]) == 3


@pytest.mark.owner  # an index is built
def test_without_values_anything_may_change(acme):
    define(acme, SHIRT, BADGE)

    row = define(acme, {"name": "shirt", "type": "integer"}, resource_type="Group")

    assert [each["type"] for each in row.definition["attributes"]] == ["integer"]
    assert rows(acme) == [row]


def test_the_letter_case_of_the_urn_stays(acme):
    define(acme, SHIRT)

    assert refused(acme, SHIRT, urn=ACME.replace("acme", "ACME")) == (
        f"The URN is spelled {ACME} so far; letter case must stay."
    )


def test_an_attribute_that_users_lack_is_not_made_required(acme, scim):
    desk = {"name": "desk", "type": "complex", "multiValued": True}
    floor, room = {"name": "floor"}, {"name": "room"}
    define(acme, SHIRT, {**desk, "subAttributes": [floor, room]})
    client = scim(acme)
    client.post("/Users", user("a", desk=[{"floor": "1"}, {"floor": "2", "room": "b"}]))
    client.post("/Users", user("b"))

    needed = {**desk, "subAttributes": [floor, {**room, "required": True}]}
    lacking = "so Entra's next change of them would be refused."
    assert refused(acme, {**SHIRT, "required": True}, {**desk, "subAttributes": [floor, room]}) == (
        f"1 User has no {ACME}:shirt, {lacking}"
        " Define it as optional, let Entra send it, then make it required."
    )
    assert f"1 User has no {ACME}:desk:room, {lacking}" in refused(acme, SHIRT, needed)
    assert f"1 User has no {ACME}, {lacking}" in refused(
        acme, SHIRT, {**desk, "subAttributes": [floor, room]}, is_required=True
    )


@pytest.mark.owner  # an index is built
def test_an_attribute_with_a_shared_value_is_not_made_unique(acme, scim):
    define(acme, {"name": "badge"})
    client = scim(acme)
    for name in ("a", "b"):
        assert client.post("/Users", user(name, badge="7")).status == 201

    assert refused(acme, BADGE) == 'Two Users have the same badge, "7"; it cannot be unique.'
    define(acme, {"name": "badge"}, {"name": "shirt"})


@pytest.mark.owner  # an index is built
def test_uniqueness_ends_with_its_definition(acme, scim):
    define(acme, BADGE)
    client = scim(acme)
    client.post("/Users", user("a", badge="7"))
    assert client.post("/Users", user("b", badge="7")).status == 409

    define(acme, {"name": "badge"})

    assert client.post("/Users", user("b", badge="7")).status == 201


def test_a_schema_with_values_is_not_removed(acme, scim):
    define(acme, SHIRT)
    scim(acme).post("/Users", user("a", shirt="M"))

    with pytest.raises(ActionRefused) as refusal:
        remove_schema(COMMAND, acme, ACME)

    assert str(refusal.value) == (
        f"1 User has values of {ACME}. Have Entra clear them first, or keep the schema."
    )
    assert rows(acme)[0].removed_at is None


def test_an_unknown_schema_is_not_removed(acme, globex):
    define(globex, SHIRT)

    for _ in range(2):
        with pytest.raises(ActionRefused, match=f"^Acme Ltd has no schema {ACME}.$"):
            remove_schema(COMMAND, acme, ACME)


def test_a_tenant_has_no_more_schemas_than_there_is_room_for(acme):
    urns = [ACME.replace("acme", f"acme{number}") for number in range(MAX_SCHEMAS)]
    for urn in urns:
        define(acme, SHIRT, urn=urn)

    assert refused(acme, SHIRT) == f"A tenant can have {MAX_SCHEMAS} schemas of its own."
    remove_schema(COMMAND, acme, urns[0])
    define(acme, SHIRT)


# --- secret attributes (decision 0030) ----------------------------------------------------------

PIN = {"name": "pin", "returned": "never"}
VAULT = {
    "name": "vault",
    "type": "complex",
    "subAttributes": [{"name": "value"}, {"name": "code", "returned": "never"}],
}


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        (PIN | {"required": True}, "pin"),
        (PIN | {"uniqueness": "server"}, "pin"),
        (
            VAULT | {"subAttributes": [{"name": "code", "returned": "never", "required": True}]},
            "code",
        ),
        (
            VAULT | {"returned": "never", "subAttributes": [{"name": "value", "required": True}]},
            "value",
        ),
    ],
)
def test_an_attribute_that_is_never_returned_can_be_neither_required_nor_unique(
    acme, attribute, name
):
    assert refused(acme, SHIRT, attribute) == (
        f"{name} is never returned, so no value of it is kept: it can be neither required nor unique."
    )


def test_a_schema_that_holds_nothing_but_secrets_cannot_be_required(acme):
    sentence = refused(acme, PIN, is_required=True)

    assert sentence.startswith("All attributes of the schema are never returned")
    define(acme, PIN)


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ((PIN,), ({"name": "pin"},), "pin"),
        ((VAULT,), (VAULT | {"subAttributes": [{"name": "code"}]},), "vault.code"),
        ((VAULT | {"returned": "never"},), (VAULT,), "vault"),
    ],
)
def test_a_secret_attribute_stays_one_under_its_name(acme, globex, before, after, path):
    define(acme, SHIRT, *before)
    sentence = f"{path} was never returned and stays so: what was sent before would show."

    assert refused(acme, SHIRT, *after).startswith(sentence)
    define(acme, SHIRT)
    assert refused(acme, SHIRT, *after).startswith(sentence)
    remove_schema(COMMAND, acme, ACME)
    assert refused(acme, SHIRT, *after).startswith(sentence)
    define(acme, SHIRT, *before)
    define(globex, SHIRT, *after)


def test_a_tenant_whose_removed_schema_had_secrets_goes_on_leaving_them_out(acme):
    define(acme, SHIRT, PIN)
    remove_schema(COMMAND, acme, ACME)

    assert Tenant.objects.get(custom_domain="acme").schemas_revision is not None
    with in_tenant(acme):
        redaction = catalog.redaction(Tenant.objects.get(custom_domain="acme"))
    assert redaction.value(f"{ACME}:pin", "1", "User") == "[redacted]"
    assert redaction.value(f"{ACME}:shirt", "M", "User") == "M"


def test_a_definition_of_before_the_rule_is_still_read_and_asks_for_nothing_that_is_not_kept(
    acme, scim
):
    define(acme, SHIRT, PIN)
    with in_tenant(acme):
        row = ExtensionSchema.objects.get()
        row.definition["attributes"][1] |= {"required": True, "uniqueness": "server"}
        row.save(update_fields=["definition"])

    made = scim(acme).post("/Users", user("bjensen", shirt="M", pin="1"))

    assert (made.status, made.json[ACME]) == (201, {"shirt": "M"})


def test_nothing_is_kept_of_a_request_while_the_schemas_cannot_be_read(acme):
    define(acme, SHIRT)
    tenant = Tenant.objects.get(custom_domain="acme")
    with in_tenant(acme):
        transaction.set_rollback(True)  # as after a statement that failed
        redaction = catalog.redaction(tenant)
        transaction.set_rollback(False)

    assert redaction.body({"userName": "b", ACME: {"shirt": "M"}}, "User") == {
        "userName": "[redacted]",
        ACME: "[redacted]",
    }
