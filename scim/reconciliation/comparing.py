"""The comparison: a file of Entra's users becomes rows, and the worker finds what differs, piece by piece.

The request that brings the file reads it and stores its users. `manage.py run_jobs` does the rest in pieces of
PIECE users, each a transaction and two statements: first each user of the file is looked for here, by the
externalId, which is Entra's objectId or mailNickname, then by userName; then whoever is active here and was
not found is extra. A worker that is killed loses its piece. Users without a difference leave no row.

A report goes after KEPT, whatever retention and legal holds say: it is a copy of Entra's data, no record of
what happened here (decision 0113).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, BinaryIO, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor, Details
from scim.protocol.writing import to_json
from scim.provider.features import Person
from scim.provider.tables import UnreadableFileError
from scim.reconciliation import exports
from scim.reconciliation.attributes import COMPARED, DISPLAY_NAME, FOLDED, USER_NAME
from scim.reconciliation.exports import EntraUser, Flawed
from scim.reconciliation.models import Difference, Reconciliation
from scim.repository.sql import Sql, join, sql
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.lettercase import fold
from tenants.models import Tenant

COMPARE: Final = "tenants.add_reconciliation"
DELETE: Final = "tenants.delete_reconciliation"
PIECE: Final = 2_000  # users a transaction
KEPT: Final = timedelta(days=7)
MOST_KEPT: Final = 5  # reports of a tenant; with the next one the oldest goes
_SAMPLE: Final = 1_000  # users of whom one has to have an attribute for it to be compared
_STORED: Final = 1_000  # rows a statement
_NO_USER: Final[dict[str, Any]] = {
    **dict.fromkeys(("kind", "object_id", "nickname", "user_name", "user_name_key"), ""),
    "display_name": "",
    "is_enabled": None,
    "values": {},
    "remark": "",
}
_COMPARED: Final = ("id", "user_id", "kind", "differing")
_NOBODY: Final = UUID(int=0)
_Stage: Final = Reconciliation.Stage

_STORE: Final = """
INSERT INTO scim_difference (report_id, kind, line, object_id, nickname, user_name, user_name_key,
    display_name, is_enabled, "values", remark)
SELECT %s, * FROM json_to_recordset(%s::json) AS r (kind text, line int, object_id text, nickname text,
    user_name text, user_name_key text, display_name text, is_enabled bool, "values" jsonb, remark text)
"""
_PAIRS: Final = tuple(Sql(f"'{each.path}', {each.expression.text}") for each in COMPARED)
_HERE: Final = Sql(f"jsonb_build_object{join(', ', _PAIRS).text}")
_ASSIGNED: Final = """
SELECT DISTINCT key FROM (
    SELECT document FROM scim_resource WHERE resource_type = 'User' AND deleted_at IS NULL
    ORDER BY last_modified DESC LIMIT %s
) AS newest, jsonb_each_text({}) WHERE value <> ''
"""
_IN_FILE: Final = """
SELECT DISTINCT jsonb_object_keys("values") FROM (
    SELECT "values" FROM scim_difference WHERE report_id = %s AND kind = '' ORDER BY id LIMIT %s
) AS first
"""
# A user that was deleted is found as well, so that the report can say so.
_MATCH: Final = """
WITH piece AS MATERIALIZED (
    SELECT id, object_id, nickname, user_name_key, is_enabled, "values" FROM scim_difference
    WHERE report_id = %(report)s AND id > %(reached)s AND kind = ''
    ORDER BY id LIMIT %(most)s
), matched AS (
    SELECT piece.*, found.id AS user_id, found.active, found.is_deleted,
        CASE WHEN NOT found.is_deleted THEN {} END AS here
    FROM piece LEFT JOIN LATERAL (
        SELECT id, active, document, rank, deleted_at IS NOT NULL AS is_deleted FROM (
            SELECT *, 1 AS rank FROM scim_resource WHERE external_id = piece.object_id
            UNION ALL
            SELECT *, 2 FROM scim_resource WHERE external_id = piece.nickname
            UNION ALL
            SELECT *, 3 FROM scim_resource WHERE unique_key = piece.user_name_key
                AND resource_type = 'User' AND deleted_at IS NULL
        ) AS candidates
        WHERE resource_type = 'User'
        ORDER BY deleted_at IS NOT NULL, rank, unique_key IS DISTINCT FROM piece.user_name_key, id LIMIT 1
    ) AS found ON TRUE
), compared AS (
    SELECT id, user_id, CASE
        WHEN user_id IS NULL OR is_deleted THEN CASE WHEN is_enabled IS FALSE THEN 'absent' ELSE 'missing' END
        WHEN is_enabled IS FALSE AND active IS NOT FALSE THEN 'disabled'
        WHEN is_enabled IS TRUE AND active IS FALSE THEN 'inactive'
        WHEN differing IS NOT NULL THEN 'differs'
        ELSE 'same' END AS kind, differing
    FROM matched LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(path, jsonb_build_array(there, was)) AS differing FROM (
            SELECT key AS path, NULLIF(value, '') AS there, NULLIF(btrim(here ->> key), '') AS was
            FROM jsonb_each_text("values") WHERE key <> ALL(%(left_out)s)
        ) AS pairs
        WHERE here IS NOT NULL AND CASE WHEN path = ANY(%(folded)s)
            THEN lower(there) IS DISTINCT FROM lower(was) ELSE there IS DISTINCT FROM was END
    ) AS differences ON TRUE
)
SELECT id, user_id, kind, differing::text FROM compared
"""
# A statement of its own: Citus takes no function that is not immutable in one that changes rows.
_MATCHED: Final = """
UPDATE scim_difference AS r SET user_id = compared.user_id, kind = compared.kind,
    differing = compared.differing::jsonb,
    "values" = CASE WHEN compared.kind IN ('same', 'absent') THEN '{}' ELSE r."values" END
FROM json_to_recordset(%s::json) AS compared (id bigint, user_id uuid, kind text, differing text)
WHERE r.id = compared.id
"""
_PIECE_END: Final = """
SELECT id FROM (
    SELECT id FROM scim_resource
    WHERE resource_type = 'User' AND deleted_at IS NULL AND id > %(reached)s
    ORDER BY id LIMIT %(most)s
) AS piece ORDER BY id DESC LIMIT 1
"""
_SEARCH: Final = """
INSERT INTO scim_difference (report_id, kind, object_id, nickname, user_name, user_name_key,
    display_name, user_id, "values", remark)
SELECT %(report)s, 'extra', COALESCE(external_id, ''), '', COALESCE(document ->> 'userName', ''),
    COALESCE(unique_key, ''), COALESCE(document ->> 'displayName', ''), id, '{}', ''
FROM scim_resource AS here
WHERE resource_type = 'User' AND deleted_at IS NULL AND id > %(reached)s AND id <= %(last)s
    AND active IS NOT FALSE AND NOT EXISTS (
        SELECT 1 FROM scim_difference AS r WHERE r.user_id = here.id AND r.report_id = %(report)s
    )
"""
_BY_ATTRIBUTE: Final = """
SELECT path, count(*) FROM scim_difference, jsonb_object_keys(differing) AS path
WHERE report_id = %s AND differing IS NOT NULL GROUP BY path
"""


def begin(actor: Actor, tenant: Tenant, file: BinaryIO) -> Reconciliation:
    """Store the users of Entra's export, for the worker to compare. Raises ActionRefused.

    One statement for _STORED users.
    """
    with performing(actor, COMPARE, tenant):
        _refuse_second(tenant)
        now = clock.now()
        report = Reconciliation(
            id=clock.new_id(now),
            tenant=tenant,
            asked_at=now,
            asked_by=actor.name,
            delete_at=now + KEPT,
        )
        try:
            report.form, report.users = _stored(report.id, file)
        except UnreadableFileError as error:
            refused = ActionRefused("reconciliation.unreadable", str(error))
            refused.field = "file"
            raise refused from None
        try:
            with transaction.atomic():
                report.save(force_insert=True)
        except IntegrityError:
            raise _running() from None
        _forget_oldest(tenant, report)
        details: Details = {"users": report.users, "form": report.form}
        note(actor, tenant, "reconciliation started", str(report.id), details)
    return report


def delete(actor: Actor, tenant: Tenant, report: Reconciliation) -> None:
    """Have the report deleted now; the worker does it. Raises NotPermitted."""
    with performing(actor, DELETE, tenant):
        present(tenant).filter(pk=report.pk).update(delete_at=clock.now(), done_at=clock.now())
        note(actor, tenant, "reconciliation deleted", str(report.pk), {})


def present(tenant: Tenant) -> QuerySet[Reconciliation]:
    """The reports of the tenant, newest first, without those that only wait for their deletion."""
    return Reconciliation.objects.filter(tenant=tenant, delete_at__gt=clock.now())


def tenants_with_work() -> list[Tenant]:
    """The tenants in which users are to be compared, or a report to be deleted: one statement."""
    due = Q(done_at=None) | Q(delete_at__lte=clock.now())
    with in_public():
        return list(
            Tenant.objects.filter(pk__in=Reconciliation.objects.filter(due).values("tenant"))
        )


def advance(tenant: Tenant) -> bool:
    """Do one piece of the tenant's work, in a transaction of its own.

    False when there is nothing to do, or another worker is at it.
    """
    now = clock.now()
    with in_tenant(tenant):
        reports = Reconciliation.objects.filter(tenant=tenant).order_by("asked_at", "pk")
        due = reports.filter(Q(done_at=None) | Q(delete_at__lte=now))
        report = due.select_for_update(skip_locked=True, no_key=True).first()
        if report is None:
            return False
        if report.delete_at <= now:
            _delete_piece(report)
        elif report.stage == _Stage.MATCHING:
            _match(report)
        else:
            _search(report)
    return True


def forget(person: Person) -> int:
    """Remove the current tenant's rows about a person; their number."""
    about = Q(user_id__in=person.ids) | Q(user_name_key__in=[fold(each) for each in person.values])
    removed, _ = Difference.objects.filter(about | Q(object_id__in=person.values)).delete()
    return removed


def _refuse_second(tenant: Tenant) -> None:
    if Reconciliation.objects.filter(tenant=tenant, done_at=None).exists():
        raise _running()


def _running() -> ActionRefused:
    return ActionRefused(
        "reconciliation.running", "Another comparison of this tenant is not done yet."
    )


def _stored(report_id: UUID, file: BinaryIO) -> tuple[str, int]:
    """Store the users of the file; its form, and their number. Raises UnreadableFileError."""
    number = 0
    with exports.reading(file) as export:
        users = iter(export.users)
        while some := list(islice(users, _STORED)):
            number += _store(report_id, some)
    return export.form, number


def _store(report_id: UUID, users: Iterable[EntraUser | Flawed]) -> int:
    """Store the rows; return the number of users.

    As JSON: the driver takes four times as long to write arrays of the same values.
    """
    rows = [_row(each) for each in users]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [report_id, to_json(rows)])
    return sum(1 for row in rows if not row["kind"])


def _row(user: EntraUser | Flawed) -> dict[str, Any]:
    """The row's columns by their names."""
    if isinstance(user, Flawed):
        unreadable = Difference.Kind.UNREADABLE.value
        return _NO_USER | {"kind": unreadable, "line": user.line, "remark": user.reason}
    name = user.values.get(USER_NAME, "")
    return _NO_USER | {
        "line": user.line,
        "object_id": user.object_id,
        "nickname": user.nickname,
        "user_name": name,
        "user_name_key": fold(name),
        "display_name": user.values.get(DISPLAY_NAME, ""),
        "is_enabled": user.is_enabled,
        "values": dict(user.values),
    }


def _match(report: Reconciliation) -> None:
    """Compare a piece of the file's users."""
    if not report.matched:
        report.not_compared = _left_out(report)
    parameters = {
        "report": report.pk,
        "reached": report.reached_row,
        "most": PIECE,
        "left_out": report.not_compared,
        "folded": list(FOLDED),
    }
    found = _executed(sql(_MATCH, _HERE).text, parameters)
    if found:
        rows = [dict(zip(_COMPARED, row, strict=True)) for row in found]
        _changed(_MATCHED, [to_json(rows)])
        report.matched += len(found)
        report.reached_row = max(key for key, *_ in found)
        for kind, number in Counter(kind for _, _, kind, _ in found).items():
            _count(report, kind, number)
    else:
        report.stage = _Stage.SEARCHING
    report.save(update_fields=["matched", "reached_row", "counts", "not_compared", "stage"])


def _left_out(report: Reconciliation) -> list[str]:
    """The paths of the file that no user here has: the mapping does not send them."""
    assigned = {path for (path,) in _executed(sql(_ASSIGNED, _HERE).text, [_SAMPLE])}
    in_file = {path for (path,) in _executed(_IN_FILE, [report.pk, _SAMPLE])}
    return sorted(in_file - assigned) if assigned else []


def _search(report: Reconciliation) -> None:
    """Look for extra users in a piece of those who are here."""
    reached = report.reached_user or _NOBODY
    ends = _executed(_PIECE_END, {"reached": reached, "most": PIECE})
    if not ends:
        _finish(report)
        return
    [(last,)] = ends
    added = _changed(_SEARCH, {"report": report.pk, "reached": reached, "last": last})
    _count(report, Difference.Kind.EXTRA, added)
    report.reached_user = last
    report.save(update_fields=["reached_user", "counts"])


def _finish(report: Reconciliation) -> None:
    """Count what differs, and remove the users who do not."""
    rows = Difference.objects.filter(report_id=report.pk)
    rows.filter(kind__in=(Difference.SAME, Difference.ABSENT)).delete()
    _count(report, Difference.Kind.UNREADABLE, rows.filter(kind=Difference.Kind.UNREADABLE).count())
    report.attributes = dict(_executed(_BY_ATTRIBUTE, [report.pk]))
    report.stage, report.done_at = _Stage.DONE, clock.now()
    report.save(update_fields=["counts", "attributes", "stage", "done_at"])


def _count(report: Reconciliation, kind: str, number: int) -> None:
    if number:
        report.counts[kind] = report.counts.get(kind, 0) + number


def _forget_oldest(tenant: Tenant, newest: Reconciliation) -> None:
    """Have the worker delete the reports that are too many."""
    kept = present(tenant).exclude(pk=newest.pk).values_list("pk", flat=True)[: MOST_KEPT - 1]
    old = present(tenant).exclude(pk__in=[newest.pk, *kept])
    old.update(delete_at=clock.now())


def _delete_piece(report: Reconciliation) -> None:
    rows = Difference.objects.filter(report_id=report.pk).values_list("pk", flat=True)
    keys = list(rows.order_by("pk")[:PIECE])
    if keys:
        Difference.objects.filter(pk__in=keys).delete()
    else:
        report.delete()


def _changed(statement: str, parameters: Any) -> int:
    """The number of rows that the statement changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _executed(statement: str, parameters: Any) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return rows
