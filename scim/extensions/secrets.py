"""Secret attributes of a tenant's own schemas: what their definition must keep to (decision 0030).

An attribute that was never returned stays so, under its name, for good: what was recorded of it before or
since would show otherwise. What resources hold of it is removed when it becomes secret.
"""

from dataclasses import replace
from typing import Final

from accounts.actions.performing import ActionRefused
from scim.extensions import forgetting, storage
from scim.extensions.definitions import read_schema
from scim.extensions.forgetting import Documents
from scim.extensions.models import ExtensionSchema
from scim.protocol.redaction import secret_attributes, secret_paths, without_secrets
from scim.protocol.schema import Extension, Schema, Uniqueness
from scim.provider.capabilities import RESOURCE_TYPES

_CHUNK: Final = 1_000  # resources that are read and written at a time


def check(schema: Schema, *, is_required: bool) -> None:
    """Raises ActionRefused for what could not be held of an attribute of which no value is kept."""
    for attribute in secret_attributes(schema):
        demands = [
            each.name
            for each in (attribute, *attribute.sub_attributes)
            if (each.is_secret or attribute.is_secret)
            and (each.required or each.uniqueness is not Uniqueness.NONE)
        ]
        if demands:
            raise ActionRefused(
                f"{demands[0]} is never returned, so no value of it is kept: it can be neither"
                " required nor unique."
            )
    if is_required and all(attribute.is_secret for attribute in schema.attributes):
        raise ActionRefused(
            "All attributes of the schema are never returned, so no value is kept: the schema cannot"
            " be required."
        )


def carried_over(row: ExtensionSchema | None, schema: Schema) -> list[str]:
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
                f"{path} was never returned and stays so: what was sent before would show. Choose"
                " another name."
            )
    return sorted(ever - now)


def forget(resource_type: str, schema: Schema) -> int:
    """How many resources, deleted ones included, held values that are secret by the schema; these
    are removed. History and log are append-only: there they are left out when shown.
    """
    if not secret_attributes(schema):
        return 0
    type_ = next(each for each in RESOURCE_TYPES if each.name == resource_type)
    extended = replace(type_, extensions=(Extension(schema),))
    changed = 0
    for documents in forgetting.documents(resource_type, schema.id, _CHUNK):
        kept = [
            Documents(
                each.id,
                without_secrets(extended, each.document),
                without_secrets(extended, each.comparable),
            )
            for each in documents
        ]
        anew = [each for each, former in zip(kept, documents, strict=True) if each != former]
        forgetting.store(anew)
        changed += len(anew)
    return changed


def are_remembered() -> bool:
    """True if a schema, in force or removed, has or had a secret attribute."""
    return any(
        row.former_secrets or secret_paths(read_schema(row.definition))
        for row in storage.everything()
    )
