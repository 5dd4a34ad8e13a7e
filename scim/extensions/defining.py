"""Actions on a tenant's own schemas: define, change, remove. Staff only, audited.

A schema decides how stored values are read, and a required attribute can make Entra's next request
fail, so an action is refused when what is stored would not fit: it names how many users are concerned.

A secret attribute, one that is never returned, stays secret under its name permanently: otherwise
records of its values would show. When an attribute becomes secret, its values are removed from
resources, a chunk at a time, in the transaction of the action; clients see no difference, so neither
version nor lastModified changes (decision 0030).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor
from scim.extensions import storage, uniqueness
from scim.extensions.models import ExtensionSchema
from scim.extensions.reader import DefinitionRefused, incompatibilities, read_schema
from scim.protocol.discovery import schema_representation
from scim.protocol.errors import InvalidSyntax
from scim.protocol.redaction import secret_attributes, secret_paths, without_secrets
from scim.protocol.schema import Attribute, Extension, Schema, Uniqueness
from scim.protocol.values import read_document
from scim.provider.catalog import RESOURCE_TYPES
from tenants import clock, lifecycle
from tenants.models import Tenant
from tenants.words import counted

MAX_DEFINITION: Final = 131_072  # characters
MAX_SCHEMAS: Final = 20  # of one tenant

_CHUNK: Final = 1_000  # resources that are read and written at a time

DEFINE: Final = "scim.change_extensionschema"


@dataclass(frozen=True, slots=True)
class Definition:
    """A schema to be in force: a Schema resource as JSON text, the type it extends, and whether each
    resource of that type must have values of it.
    """

    text: str
    resource_type: str = "User"
    is_required: bool = False


def define_schema(actor: Actor, tenant: Tenant, definition: Definition) -> ExtensionSchema:
    """The schema, in force from the next request on; one with that URN is changed.

    Raises ActionRefused.
    """
    schema = _read(definition)
    unique = uniqueness.of_schema(definition.resource_type, schema)
    with uniqueness.building(tenant) as indexes, performing(actor, DEFINE, tenant):
        lifecycle.set_schemas_revision(tenant, uuid4())  # and one action at a time, by its row lock
        row = storage.find(schema.id)
        indexes.begin(row, unique)
        is_new = row is None or row.removed_at is not None
        if is_new and len(storage.defined()) >= MAX_SCHEMAS:
            raise ActionRefused(
                "action.range", f"A tenant can have {MAX_SCHEMAS} schemas of its own."
            )
        _check_former(row, schema, definition.resource_type)
        former_secrets = _former_secrets(row, schema)
        _check_required(definition, schema)
        indexes.settle()
        row = _save(row, definition, schema, actor, former_secrets)
        forgotten = _forget_secrets(definition.resource_type, schema)
        act = "schema defined" if is_new else "schema changed"
        details: dict[str, Any] = {
            "type": row.resource_type,
            "attributes": len(schema.attributes),
        }
        if forgotten:
            details["secret values removed from"] = forgotten
        note(actor, tenant, act, schema.id, details)
    return row


def remove_schema(actor: Actor, tenant: Tenant, urn: str) -> ExtensionSchema:
    """The schema, which is in force no more. Raises ActionRefused while a resource has values of it."""
    with uniqueness.building(tenant) as indexes, performing(actor, DEFINE, tenant):
        lifecycle.set_schemas_revision(tenant, uuid4())
        row = storage.find(urn.strip())
        if row is None or row.removed_at is not None:
            raise ActionRefused("action.not-found", f"{tenant} has no schema {urn.strip()[:200]}.")
        indexes.begin(row, ())
        live, _ = storage.count_holders(row.resource_type, row.urn)
        if live:
            raise ActionRefused(
                "schema.in-use",
                f"{_counted(live, row.resource_type)} values of {row.urn}. Have Entra clear them"
                " first, or keep the schema.",
            )
        indexes.settle()
        row.removed_at = row.changed_at = clock.now()
        row.changed_by = actor.name
        row.save()
        if not storage.defined() and not _are_secrets_remembered():
            lifecycle.set_schemas_revision(tenant, None)
        note(actor, tenant, "schema removed", row.urn, {"type": row.resource_type})
    return row


def _save(
    row: ExtensionSchema | None,
    definition: Definition,
    schema: Schema,
    actor: Actor,
    former_secrets: list[str],
) -> ExtensionSchema:
    now = clock.now()
    row = row or ExtensionSchema(urn=schema.id, urn_key=schema.id.lower(), created_at=now)
    row.resource_type = definition.resource_type
    row.is_required = definition.is_required
    row.definition = stored_form(schema)
    row.former_secrets = former_secrets
    row.changed_at, row.changed_by, row.removed_at = now, actor.name, None
    row.save()
    return row


def stored_form(schema: Schema) -> dict[str, Any]:
    """The Schema resource as /Schemas shows it, without `meta`."""
    body = schema_representation(schema, (), "")
    return {name: member for name, member in body.items() if name != "meta"}


def _read(definition: Definition) -> Schema:
    if definition.resource_type not in {each.name for each in RESOURCE_TYPES}:
        names = ", ".join(each.name for each in RESOURCE_TYPES)
        raise ActionRefused("schema.definition", f"The resource type must be one of {names}.")
    if len(definition.text) > MAX_DEFINITION:
        raise ActionRefused(
            "schema.definition", f"The definition is longer than {MAX_DEFINITION} characters."
        )
    try:
        schema = read_schema(read_document(definition.text, of="definition"))
    except (DefinitionRefused, InvalidSyntax) as error:
        raise ActionRefused("schema.definition", str(error)) from error
    _check_secrets(schema, is_required=definition.is_required)
    return schema


def _check_former(row: ExtensionSchema | None, schema: Schema, resource_type: str) -> None:
    """Raise ActionRefused if stored values need the schema as the row defines it."""
    if row is None:
        return
    former = read_schema(row.definition)
    if former.id != schema.id:
        raise ActionRefused(
            "schema.in-use", f"The URN is spelled {former.id} so far; letter case must stay."
        )
    _, holders = storage.count_holders(row.resource_type, row.urn)
    if holders and row.resource_type != resource_type:
        raise ActionRefused(
            "schema.in-use",
            f"{_counted(holders, row.resource_type)} values of it, so it must stay.",
        )
    reasons = list(incompatibilities(former, schema)) if holders else []
    if reasons:
        raise ActionRefused(
            "schema.in-use",
            f"{_counted(holders, row.resource_type)} values that could not be read any more,"
            f" deleted ones included: {' '.join(reasons[:3])}",
        )


def _check_required(definition: Definition, schema: Schema) -> None:
    """Raise ActionRefused if a stored resource lacks what the schema would require of it."""
    name = definition.resource_type
    for keys, member in _requirements(definition, schema):
        lacking = storage.count_lacking(name, keys, member)
        if lacking:
            what = ":".join((*keys, member))
            raise ActionRefused(
                "schema.in-use",
                f"{_counted(lacking, name)} no {what}, so Entra's next change of them would be refused."
                " Define it as optional, let Entra send it, then make it required.",
            )


def _requirements(definition: Definition, schema: Schema) -> Iterator[tuple[tuple[str, ...], str]]:
    """The required members: the keys of the objects that must have one, and its name."""
    if definition.is_required:
        yield (), schema.id
    for attribute in schema.attributes:
        if attribute.required and not attribute.is_secret:
            yield (schema.id,), attribute.name
        for sub in _kept_required(attribute):
            yield (schema.id, attribute.name), sub.name


def _kept_required(attribute: Attribute) -> Iterator[Attribute]:
    if not attribute.is_secret:
        yield from (sub for sub in attribute.sub_attributes if sub.required and not sub.is_secret)


def _counted(number: int, resource_type: str) -> str:
    return counted(number, f"{resource_type} has", f"{resource_type}s have")


def _check_secrets(schema: Schema, *, is_required: bool) -> None:
    """Raise ActionRefused for demands on an attribute of which no value is kept."""
    for attribute in secret_attributes(schema):
        demands = [
            each.name
            for each in (attribute, *attribute.sub_attributes)
            if (each.is_secret or attribute.is_secret)
            and (each.required or each.uniqueness is not Uniqueness.NONE)
        ]
        if demands:
            raise ActionRefused(
                "schema.secret",
                f"{demands[0]} is never returned, so no value of it is kept: it can be neither"
                " required nor unique.",
            )
    if is_required and all(attribute.is_secret for attribute in schema.attributes):
        raise ActionRefused(
            "schema.secret",
            "All attributes of the schema are never returned, so no value is kept: the schema cannot"
            " be required.",
        )


def _former_secrets(row: ExtensionSchema | None, schema: Schema) -> list[str]:
    """The paths of secret attributes that the schema had and no longer has.

    Raises ActionRefused for one that it has and that could be read from now on.
    """
    if row is None:
        return []
    ever = secret_paths(read_schema(row.definition)) | set(row.former_secrets)
    now = secret_paths(schema)
    for path in sorted(ever):
        name, _, part = path.partition(".")
        attribute = schema.find(name)
        if attribute is None or attribute.is_secret:
            continue
        leaf = attribute.find(part) if part else attribute
        if leaf is not None and not leaf.is_secret:
            raise ActionRefused(
                "schema.secret",
                f"{path} was never returned and stays so: what was sent before would show. Choose"
                " another name.",
            )
    return sorted(ever - now)


def _forget_secrets(resource_type: str, schema: Schema) -> int:
    """Remove values that are secret by the schema from all resources, deleted ones included;
    return the number of resources changed. History and log are append-only: there they are left
    out when shown.
    """
    if not secret_attributes(schema):
        return 0
    type_ = next(each for each in RESOURCE_TYPES if each.name == resource_type)
    extended = replace(type_, extensions=(Extension(schema),))
    changed = 0
    for documents in storage.documents(resource_type, schema.id, _CHUNK):
        kept = [
            storage.Documents(
                each.id,
                without_secrets(extended, each.document),
                without_secrets(extended, each.comparable),
            )
            for each in documents
        ]
        anew = [each for each, former in zip(kept, documents, strict=True) if each != former]
        storage.store(anew)
        changed += len(anew)
    return changed


def _are_secrets_remembered() -> bool:
    """True if a schema, in force or removed, has or had a secret attribute."""
    return any(
        row.former_secrets or secret_paths(read_schema(row.definition))
        for row in storage.everything()
    )
