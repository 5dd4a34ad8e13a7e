"""A tenant's data for people and other programs: a ZIP archive of JSON lines and CSV (docs/keeping.md).

Nothing is put back from it, so it holds no credential and no account; `tenant backup` is for that. All
files are of one moment: one repeatable-read transaction, read by cursors, a row at a time.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from accounts.actions.backups import EXPORT
from accounts.actions.performing import authorize, note, refusals
from accounts.audit import Actor
from accounts.console.export import moment, safe
from accounts.models import AuditEntry
from scim.models import AttributeChange, Membership, ProvisioningEvent, Resource
from scim.protocol import urns
from scim.protocol.redaction import without_secrets
from scim.protocol.representation import Stored, represent
from scim.provider import catalog
from scim.screens.users import COLUMNS, cells
from tenants import archive, clock
from tenants.backup import at_one_moment
from tenants.current import current_tenant, in_tenant
from tenants.models import Tenant

CHUNK: Final = 1_000  # rows that a cursor fetches at once
CONTENTS: Final = "contents.json"
_GROUP: Final = ("id", "displayName", "externalId", "created", "last modified", "deleted")


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the archive: the rows of a query, a line each, below the headings of CSV."""

    name: str
    rows: Callable[[], models.QuerySet[Any]]
    line: Callable[[Any], Any]
    headings: Sequence[str] = ()


def export_tenant(actor: Actor, tenant: Tenant, path: Path) -> int:
    """Write the tenant's data into a new file; return the number of lines. Raises ActionRefused."""
    authorize(actor, EXPORT, tenant)
    with refusals(), archive.writing(path) as file, at_one_moment(tenant):
        parts = [file.add(each.name, each.name, each.headings, _blocks(each)) for each in _FILES]
        contents = {
            "tenant": tenant.custom_domain,
            "made_at": clock.now().isoformat(),
            "files": [asdict(part) for part in parts],
        }
        file.text(CONTENTS, json.dumps(contents, indent=1))
    lines = sum(part.rows for part in parts)
    with in_tenant(tenant):
        note(actor, tenant, "tenant exported", tenant.custom_domain, {"lines": lines})
    return lines


def _blocks(file: _File) -> Iterator[bytes]:
    write = _csv if file.headings else _json
    if file.headings:
        yield _csv(file.headings)
    for row in file.rows().iterator(CHUNK):
        yield write(file.line(row))


def _json(value: Any) -> bytes:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _csv(row: Iterable[Any]) -> bytes:
    written = StringIO()
    csv.writer(written).writerow([safe(cell) for cell in row])
    return written.getvalue().encode()


def _of_type(name: str) -> Callable[[], models.QuerySet[Resource]]:
    return lambda: Resource.objects.filter(resource_type=name).order_by("id")


def _scim(resource: Resource) -> dict[str, Any]:
    """The resource as SCIM shows it, members as ids; with `deleted` when it is."""
    tenant = current_tenant()
    kind = catalog.resource_type(tenant, resource.resource_type)
    document = without_secrets(kind, resource.document)
    stored = Stored(
        resource.pk, document, resource.version, resource.created, resource.last_modified
    )
    found = represent(kind, stored, tenant.tenant_url)
    if resource.resource_type == urns.GROUP_TYPE:
        members = Membership.objects.filter(group_id=resource.pk).order_by("member_id")
        found["members"] = [{"value": str(m)} for m in members.values_list("member_id", flat=True)]
    return found | ({"deleted": resource.deleted_at} if resource.deleted_at else {})


def _user_cells(user: Resource) -> Sequence[Any]:
    kind = catalog.resource_type(current_tenant(), urns.USER_TYPE)
    return cells(user, without_secrets(kind, user.document))


def _group_cells(group: Resource) -> Sequence[Any]:
    document = group.document
    times = map(moment, (group.created, group.last_modified, group.deleted_at))
    return (group.pk, document.get("displayName"), document.get("externalId"), *times)


def _columns(row: models.Model) -> dict[str, Any]:
    """The row as it is stored, without hashes."""
    fields = row._meta.concrete_fields  # noqa: SLF001  # Django's documented name
    kept = (each for each in fields if not isinstance(each, models.BinaryField))
    return {field.attname: getattr(row, field.attname) for field in kept}


def _history(row: AttributeChange) -> dict[str, Any]:
    return _columns(row) | {"after": row.after_in_full}


_FILES: Final = (
    _File("users.ndjson", _of_type(urns.USER_TYPE), _scim),
    _File("users.csv", _of_type(urns.USER_TYPE), _user_cells, COLUMNS),
    _File("groups.ndjson", _of_type(urns.GROUP_TYPE), _scim),
    _File("groups.csv", _of_type(urns.GROUP_TYPE), _group_cells, _GROUP),
    _File(
        "memberships.csv",
        lambda: Membership.objects.order_by("group_id", "member_id"),
        lambda row: (row.group_id, row.member_id),
        ("group", "member"),
    ),
    _File("log.ndjson", lambda: ProvisioningEvent.objects.order_by("id"), _columns),
    _File("history.ndjson", lambda: AttributeChange.objects.order_by("id"), _history),
    _File("audit.ndjson", lambda: AuditEntry.objects.order_by("id"), _columns),
)
