"""Erases the personal data of deleted users: what is left is the id, hashed facts and the proof.

Only users whom Entra has deleted are erased, and nobody under legal hold. Records of the same person, whom
Entra deleted and created again, go together: they share the externalId. In rows about the person, values
are emptied. In requests about something else, such as look-ups, bulk requests and refused creations, the
body is emptied if it holds a value that identifies the person; the audit log gets a mark in the value's
place (accounts.audit.erase). What other users and groups have as their own values stays.

People ask for it, for a time; `run_jobs` or `manage.py user erase` does it, since a role that serves
requests may not.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.crypto import salted_hmac

from accounts import audit
from accounts.actions.performing import ActionRefused, note, one_line, performing
from accounts.audit import Actor, Details
from scim.keeping import retention
from scim.models import AttributeChange, ProvisioningEvent, User
from scim.provider.features import Person, features
from tenants import clock, rewriting
from tenants.current import in_public, in_tenant
from tenants.lettercase import fold
from tenants.models import Erasure, Retention, Tenant
from tenants.words import counted

ERASE: Final = "scim.erase_user"
MOST_DAYS: Final = 365
LEAST: Final = 4  # characters of a value that is looked for in other rows
_REWRITTEN: Final = ("scim_provisioningevent", "scim_attributechange", audit.TABLE)
_SALT: Final = "scim.keeping.erasing"
_DIGESTED: Final = ("userName", "externalId")
# Names of attributes whose values identify a person wherever they stand.
_IDENTIFYING: Final = re.compile(
    r"\b(userName|externalId|displayName|formatted|nickName|profileUrl|employeeNumber"
    r"|emails|phoneNumbers|ims|photos|streetAddress)\b",
    re.IGNORECASE,
)
_EMPTY_RECORDS: Final = """
UPDATE scim_resource SET document = '{}', comparable = '{}', unique_key = NULL WHERE id = ANY(%s)
"""
_EMPTY_HISTORY: Final = """
UPDATE scim_attributechange SET before = NULL, after = NULL, path = split_part(path, '[', 1)
WHERE resource_id = ANY(%s)
"""
_EMPTY_REQUESTS: Final = """
UPDATE scim_provisioningevent SET sent = NULL, user_name_key = NULL, notes = '[]', detail = ''
WHERE resource_id = ANY(%s)
"""
_EMPTY_OTHERS: Final = """
UPDATE scim_provisioningevent SET sent = NULL, user_name_key = NULL, notes = '[]', detail = ''
WHERE lower(sent::text) LIKE ANY(%(quoted)s) OR lower(notes::text) LIKE ANY(%(bare)s)
    OR lower(detail) LIKE ANY(%(bare)s) OR user_name_key = ANY(%(keys)s)
"""


def plan(actor: Actor, tenant: Tenant, user_id: UUID, reason: str, days: int) -> Erasure:
    """Have a deleted user's personal data erased in so many days. Raises ActionRefused."""
    with performing(actor, ERASE, tenant):
        reason = one_line(reason, "The reason", retention.REASON_LENGTH, "reason")
        if not 0 <= days <= MOST_DAYS:
            raise ActionRefused("action.range", f"Choose 0 to {MOST_DAYS} days.")
        user = User.objects.filter(pk=user_id).first()
        if user is None:
            raise ActionRefused("action.not-found", f"{tenant} has no user {user_id}.")
        check(tenant, user)
        planned = _planned(tenant, user_id, reason, actor.name, days)
        try:
            with transaction.atomic():
                planned.save(force_insert=True)
        except IntegrityError as error:
            raise ActionRefused("erasure.planned", "The erasure is planned already.") from error
        details: Details = {"reason": reason, "due": planned.due_at.isoformat(timespec="seconds")}
        note(actor, tenant, "erasure planned", str(user_id), details)
    return planned


def withdraw(actor: Actor, tenant: Tenant, user_id: UUID) -> None:
    """Take a planned erasure back. Raises ActionRefused."""
    with performing(actor, ERASE, tenant):
        waiting = Erasure.objects.filter(tenant=tenant, user_id=user_id, ended_at=None)
        if not waiting.update(ended_at=clock.now(), outcome="Withdrawn."):
            raise ActionRefused("action.too-late", "No erasure is planned, or it is done.")
        note(actor, tenant, "erasure withdrawn", str(user_id), {})


def plan_old(tenant: Tenant, run: Retention, now: datetime) -> int:
    """Plan the erasure of the users whose time after their deletion is over; their number."""
    if run.erase_after_days is None:
        return 0
    old = User.objects.filter(deleted_at__lt=now - timedelta(days=run.erase_after_days))
    planned = Erasure.objects.filter(tenant=tenant, ended_at=None).values_list("user_id", flat=True)
    keys = set(old.exclude(document={}).values_list("pk", flat=True)) - set(planned)
    reason = f"{counted(run.erase_after_days, 'day')} after the deletion"
    made = [_planned(tenant, key, reason, "retention", 0) for key in keys]
    return len(Erasure.objects.bulk_create(made))


def of_user(tenant: Tenant, user_id: UUID) -> Erasure | None:
    """The planned erasure of a user, None without one."""
    return Erasure.objects.filter(tenant=tenant, user_id=user_id, ended_at=None).first()


def tenants_with_work() -> list[Tenant]:
    """The tenants in which an erasure is due; none for a role that may not erase."""
    with in_public():
        if not rewriting.is_permitted():
            return []
        due = Erasure.objects.filter(ended_at=None, due_at__lte=clock.now())
        return list(Tenant.objects.filter(pk__in=due.values("tenant")))


def advance(tenant: Tenant) -> bool:
    """Do the tenant's next erasure, in a transaction of its own; False when none is due.

    One that may no longer be done, because of a hold or a restoration, ends without an effect.
    """
    with in_tenant(tenant):
        # Pruning takes the same lock: the right to rewrite is given to one at a time.
        Retention.objects.get_or_create(tenant=tenant)
        Retention.objects.select_for_update(no_key=True).get(tenant=tenant)
        waiting = Erasure.objects.filter(tenant=tenant, ended_at=None, due_at__lte=clock.now())
        planned = waiting.order_by("due_at", "pk").first()
        if planned is None:
            return False
        try:
            user = User.objects.select_for_update().get(pk=planned.user_id)
            check(tenant, user)
        except (User.DoesNotExist, ActionRefused) as error:
            planned.outcome = f"Not done: {error}"[:300]
        else:
            _erase(tenant, user, planned)
        planned.ended_at = clock.now()
        planned.save()
    return True


def check(tenant: Tenant, user: User) -> None:
    """Raise ActionRefused if the user may not be erased."""
    held = retention.held_users(tenant)
    if held is None or user.pk in held:
        raise ActionRefused("erasure.held", "This user or the whole tenant is under legal hold.")
    if user.deleted_at is None:
        raise ActionRefused(
            "erasure.present", "Entra still provisions this user: remove it there first."
        )
    if is_erased(user):
        raise ActionRefused("erasure.done", "The personal data of this user have been erased.")
    same = User.objects.filter(external_id=user.external_id, deleted_at=None)
    if user.external_id is not None and same.exists():
        raise ActionRefused(
            "erasure.present", "Entra provisions this person again, as a user with another id."
        )


def is_erased(user: User) -> bool:
    """True if nothing is left of the user but its record."""
    return user.deleted_at is not None and not user.document


def _planned(tenant: Tenant, user_id: UUID, reason: str, by: str, days: int) -> Erasure:
    now = clock.now()
    return Erasure(
        id=clock.new_id(now),
        tenant=tenant,
        user_id=user_id,
        reason=reason,
        asked_at=now,
        asked_by=by,
        due_at=now + timedelta(days=days),
    )


def _erase(tenant: Tenant, user: User, planned: Erasure) -> None:
    same = User.objects.filter(external_id=user.external_id, deleted_at__isnull=False)
    held = set(retention.held_users(tenant) or ())
    ids = frozenset({user.pk, *same.values_list("pk", flat=True)}) - held
    person = Person(ids, frozenset(_identifying(ids)))
    facts = {name: _digest(tenant, name, user.document.get(name)) for name in _DIGESTED}
    with rewriting.rewriting(*_REWRITTEN):
        removed = _empty(person)
        for feature in features():
            removed |= feature.erase(person)
        details: Details = {
            "reason": planned.reason,
            "asked by": planned.asked_by,
            "records": sorted(map(str, ids)),
            **{f"digest of {name}": value for name, value in facts.items()},
            **removed,
        }
        audit.erase(Actor("retention"), str(user.pk), person.values, details)
    _erase_from_log_of_staff(person)
    planned.outcome = "Done."
    planned.proof = {"facts": facts, "records": sorted(map(str, ids)), "removed": removed}


def _erase_from_log_of_staff(person: Person) -> None:
    operator = Tenant.objects.filter(is_operator=True).first()
    if operator is not None:
        with in_tenant(operator):
            if audit.mentions(person.values):
                with rewriting.rewriting(audit.TABLE):
                    audit.erase(Actor("retention"), "a user of a tenant", person.values, {})


def _empty(person: Person) -> dict[str, int]:
    """Empty the rows about the person, and those of the log that name it; their numbers."""
    ids = list(person.ids)
    lowered = sorted(value.lower() for value in person.values)
    escaped = [json.dumps(value, ensure_ascii=False)[1:-1] for value in lowered]
    in_quotes = (f'"{text}{end}' for text in escaped for end in ('"', '\\"'))
    parameters = {
        "quoted": [f"%{_like(text)}%" for text in in_quotes],
        "bare": [f"%{_like(text)}%" for text in lowered],
        "keys": [fold(value) for value in person.values],
    }
    return {
        "resources": _count(_EMPTY_RECORDS, [ids]),
        "history": _count(_EMPTY_HISTORY, [ids]),
        "requests": _count(_EMPTY_REQUESTS, [ids]),
        "other requests": _count(_EMPTY_OTHERS, parameters),
    }


def _count(statement: str, parameters: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _like(text: str) -> str:
    """The text as a pattern of LIKE that stands for itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _identifying(ids: Iterable[UUID]) -> Iterator[str]:
    """The values of those records that identify a person, of all times."""
    keys = list(ids)
    for document in User.objects.filter(pk__in=keys).values_list("document", flat=True):
        yield from _values("", document)
    for row in AttributeChange.objects.filter(resource_id__in=keys).iterator():
        for change in row.each:
            yield from _values(change.path, [change.before, change.after])
    sent = ProvisioningEvent.objects.filter(resource_id__in=keys, sent__isnull=False)
    for body in sent.values_list("sent", flat=True).iterator():
        yield from _values("", body)


def _values(name: str, value: Any) -> Iterator[str]:
    """The identifying texts in a value of that name, or path."""
    if isinstance(value, Mapping):
        path = value.get("path")
        for key, each in value.items():
            inner = path if key.lower() == "value" and isinstance(path, str) else key
            yield from _values(f"{name}.{inner}", each)
    elif isinstance(value, list):
        for each in value:
            yield from _values(name, each)
    elif isinstance(value, str) and len(value) >= LEAST and _is_identifying(name, value):
        yield value


def _is_identifying(name: str, value: str) -> bool:
    return "@" in value or (bool(_IDENTIFYING.search(name)) and not name.endswith(".type"))


def _digest(tenant: Tenant, name: str, value: Any) -> str:
    """The fact that the person had this value, for who knows the value: keyed, so nobody else does."""
    text = f"{tenant.id}:{name}:{fold(str(value))}"
    return salted_hmac(_SALT, text, algorithm="sha256").hexdigest()
