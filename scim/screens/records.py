"""The common parts of users' and groups' pages: record, JSON, requests and attributes."""

import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from django.contrib import admin
from django.db.models import BooleanField, Q, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.console.listing import TableFilter, since, uuid_in
from accounts.console.page import Fact, Facts, Json, State, Table, badge, link
from accounts.console.screen import RecordAdmin
from accounts.console.searching import FOUND, Hit, Search
from accounts.console.times import in_list
from scim.models import ProvisioningEvent, Resource, User
from scim.protocol import urns
from scim.protocol.representation import Stored, project, represent
from scim.protocol.schema import Attribute, Relation, ResourceType
from scim.provider.catalog import resource_type
from scim.repository import belonging, resources
from scim.repository.base import Loading, Operation
from scim.repository.belonging import Member
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.lettercase import fold

WHOLE_VALUES: Final = (
    "Only complete values are found: type the complete user name, e-mail or display name."
)
GROUPS_SHOWN: Final = 100
GROUPS_IN_SIGHT: Final = 8  # the others fold
MEMBER_HEADINGS: Final = ("Member", "Type", "State", "id")
# Types with a page for each resource.
_SCREENS: Final = {
    urns.USER_TYPE: "admin:scim_user_change",
    urns.GROUP_TYPE: "admin:scim_group_change",
}
_QUALIFIERS: Final = ("type", "primary")  # they say which of several values a row shows
# Under which caption a page shows the core attributes; those not named here come under the last.
_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    "Identity": frozenset(
        ("externalId", "userName", "name", "displayName", "nickName", "title", "userType", "active")
    ),
    "Contact": frozenset(("profileUrl", "emails", "phoneNumbers", "ims", "photos", "addresses")),
}
_OTHERS: Final = "Other attributes"
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAMESAKES: Final = 50  # users with one e-mail or externalId (E21), or deleted ones with one name
_SHOWN: Final = ("id", "document", "version", "created", "last_modified", "deleted_at", "continues")

R = TypeVar("R", bound=Resource)


def state(resource: Resource) -> str:
    """Active, Disabled or Deleted. RFC 7643 §4.1.1: only `active: false` disables."""
    if resource.deleted_at:
        return "Deleted"
    return "Disabled" if resource.document.get("active") is False else "Active"


def badge_of(state: str) -> SafeString:
    """The word for a state, as it looks on a page."""
    looks: dict[str, State] = {"Active": "ok", "Disabled": "warning"}
    return badge(looks.get(state, "unknown"), state)


def state_badge(resource: Resource) -> SafeString:
    """The state of a resource, as it looks on a page."""
    return badge_of(state(resource))


def resource_link(resource_type: str, identifier: Any, text: Any = None) -> Any:
    """A link to the resource's page, or its text when there is none."""
    screen = _SCREENS.get(resource_type)
    shown = text or identifier
    return link(reverse(screen, args=[identifier]), shown) if screen else shown


def short(path: str) -> str:
    """A SCIM path without the URN of its schema, which its page names already."""
    head, bracket, rest = path.partition("[")
    return (head.rpartition(":")[2] if head.lower().startswith("urn:") else head) + bracket + rest


def record_facts(resource: Resource) -> list[Fact]:
    """The server's own facts about the resource, beside its attributes."""
    facts = [
        Fact("State", state_badge(resource)),
        Fact("id", resource.pk, copyable=True),
        Fact("Created", resource.created),
        Fact("Last modified", resource.last_modified),
        Fact("Version", resource.version),
    ]
    if resource.deleted_at:
        facts.append(Fact("Deleted", resource.deleted_at))
    if resource.continues:
        former = resource_link(resource.resource_type, resource.continues)
        facts.append(Fact("Continues", former))
    return facts


def attribute_sections(
    resource_type: ResourceType, document: Mapping[str, Any], sight: Sight
) -> list[Facts]:
    """The attributes as somebody gets to see them, under captions, each extension under its name."""
    resource = sight.json(document, resource_type.name)
    core = (*resource_type.common, *resource_type.schema.attributes)
    named = frozenset().union(*_GROUPS.values())
    parts = [
        (caption, [a for a in core if a.name in names], resource)
        for caption, names in _GROUPS.items()
    ]
    parts.append((_OTHERS, [a for a in core if a.name not in named], resource))
    parts += [
        (
            _WORDS.sub(" ", each.schema.name),
            list(each.schema.attributes),
            resource.get(each.schema.id, {}),
        )
        for each in resource_type.extensions
    ]
    tables = [Facts(caption, tuple(_facts(some, holder))) for caption, some, holder in parts]
    return [table for table in tables if table.facts]


def _facts(attributes: Iterable[Attribute], holder: Mapping[str, Any]) -> Iterator[Fact]:
    for attribute in attributes:
        if not attribute.is_secret:
            for name, value in _attribute_rows(attribute, holder):
                yield Fact(labeled(name), value)


def labeled(name: str) -> str:
    """A name for people with the SCIM name behind it, where that says more: `Title`, but
    `Family name (name.familyName)`.
    """
    head, _, last = name.rpartition(".")
    base = head.partition("[")[0] if last == "value" else last
    words = _WORDS.sub(" ", base).lower()
    label = f"{words[:1].upper()}{words[1:]}"
    return label if words == name else f"{label} ({name})"


def _attribute_rows(attribute: Attribute, holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    value = holder.get(attribute.name)
    if isinstance(value, list):
        for item in value:
            yield from _value_rows(attribute, item)
    elif value is not None:
        yield from _value_rows(attribute, value)


def _value_rows(attribute: Attribute, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        yield attribute.name, _text(value)
        return
    name = attribute.name + _qualified(value) if attribute.multi_valued else attribute.name
    for sub in attribute.sub_attributes:
        is_told = attribute.multi_valued and sub.name in _QUALIFIERS
        if sub.name not in value or is_told or sub.is_secret:
            continue
        yield f"{name}.{sub.name}", _text(value[sub.name])


def _qualified(value: Mapping[str, Any]) -> str:
    words = [str(value["type"])] if value.get("type") else []
    words += ["primary"] if value.get("primary") else []
    return f"[{', '.join(words)}]" if words else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def stored_of(resource_type: ResourceType, resource: Resource) -> Stored:
    """The resource as the API has it, with the groups it belongs to; members are never loaded."""
    shown = tuple(r for r in resource_type.relations if r.relation is not Relation.MEMBERS)
    if shown and not resource.deleted_at:
        loading = Loading(current_tenant().tenant_url, shown)
        found = resources.find(resource_type, resource.pk, loading)
        if found is not None:
            return found
    return Stored(
        resource.pk,
        resource.document,
        resource.version,
        resource.created,
        resource.last_modified,
    )


def json_section(resource_type: ResourceType, stored: Stored, sight: Sight, caption: str) -> Json:
    """The resource as SCIM shows it."""
    whole = project(resource_type, represent(resource_type, stored, current_tenant().tenant_url))
    return Json(caption, sight.json(whole, resource_type.name), "scim-json")


def groups_section(resource: Resource) -> Table:
    """The groups that a user or group belongs to, and how."""
    found = belonging.groups_of(resource.pk, GROUPS_SHOWN + 1)
    rows = tuple(
        (
            resource_link(urns.GROUP_TYPE, each.id, each.name),
            "directly" if each.is_direct else f"through {', '.join(each.through)}",
            each.id,
        )
        for each in found[:GROUPS_SHOWN]
    )
    headings, empty = ("Group", "Belongs", "id"), "No groups."
    more = format_html("There are more than {}.", GROUPS_SHOWN) if found[GROUPS_SHOWN:] else None
    return Table("Groups", headings, rows, empty, more, GROUPS_IN_SIGHT)


def member_rows(members: Iterable[Member], sight: Sight) -> tuple[tuple[Any, ...], ...]:
    """Members under MEMBER_HEADINGS; names of users are personal data, those of groups are not."""
    rows = []
    for each in members:
        attribute = "userName" if each.resource_type == urns.USER_TYPE else "displayName"
        name = sight.value(attribute, each.name, each.resource_type)
        shown = badge_of("Disabled" if each.active is False else "Active")
        link_to = resource_link(each.resource_type, each.id, name)
        rows.append((link_to, each.resource_type, shown, each.id))
    return tuple(rows)


class ChangedFilter(TableFilter):
    """By the column and its index."""

    title = "changed"
    parameter_name = "changed"
    conditions = since(lambda moment: Q(last_modified__gte=moment))


class ResourceAdmin(RecordAdmin[R]):
    """Provisioned resources of one type, to read only."""

    is_provisioned = True

    type_name: ClassVar[str]
    naming: ClassVar[str]  # the attribute that names a resource for people
    ordering = ("-id",)
    search_fields = ("id",)  # shows the box; get_search_results says what it finds

    def resource_type(self) -> ResourceType:
        """The resource type in the current tenant, with the tenant's own extensions."""
        return resource_type(current_tenant(), self.type_name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[R]:
        whole = Value(Sight.of(request).is_whole, output_field=BooleanField())
        found: Any = super().get_queryset(request).only(*_SHOWN)
        annotated: QuerySet[R] = found.annotate(is_whole=whole)
        return annotated

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[R], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the stored keys, so that letter case is what it is for SCIM.

        A role that sees personal data masked finds by complete values only: by beginnings they could
        be guessed letter by letter.
        """
        term = search_term.strip()
        if not term:
            return queryset, False
        lookup = "startswith" if Sight.of(request).is_whole else "exact"
        found = self.named(term, lookup) | Q(**{f"external_id__{lookup}": term})
        identifier = uuid_in(term)
        return queryset.filter(found | Q(pk=identifier) if identifier else found), False

    def columns(self, request: HttpRequest) -> tuple[Any, ...]:
        """Of deleted resources the deletion in place of the last change."""
        swapped = {"last_modified": "deleted"} if request.GET.get("state") == "deleted" else {}
        return tuple(swapped.get(name, name) for name in super().columns(request))

    def prepare(self, request: HttpRequest, rows: Iterable[R]) -> None:
        """Note who deleted the resources, where the list says so: one statement."""
        if "deleted" not in self.columns(request):
            return
        listed = list(rows)
        deletions = ProvisioningEvent.objects.filter(
            resource_id__in=[row.pk for row in listed], operation=Operation.DELETE, status__lt=400
        )
        newest = deletions.order_by("resource_id", "-id").distinct("resource_id")
        by = dict(newest.values_list("resource_id", "token_label"))
        for row in listed:
            row.deleted_by = by.get(row.pk, "")  # type: ignore[attr-defined]

    @admin.display(description="deleted")
    def deleted(self, record: R) -> Any:
        """The time of the deletion, and the credential that it came with."""
        if record.deleted_at is None:
            return None
        by = record.deleted_by  # type: ignore[attr-defined]  # noted by `prepare`
        when = in_list(record.deleted_at, clock.now())
        return format_html("{} by {}", when, by) if by else when

    def nothing_hint(self, request: HttpRequest) -> str:
        return "" if Sight.of(request).is_whole else WHOLE_VALUES

    def hits(self, search: Search) -> Iterable[Hit]:
        """By what the search of the list finds, in the order of the list."""
        if not search.term or search.only:
            return
        request, kind = search.request, self.counted_as[1].capitalize()
        found, _ = self.get_search_results(request, self.get_queryset(request), search.term)
        for record in found.order_by("-id")[:FOUND]:
            yield Hit(kind, *self.hit(record))

    def hit(self, record: R) -> tuple[str, str, str]:
        """The name of the resource, the path of its page, and more to tell it by."""
        return str(self.shown(record, self.naming)), self.record_path(record.pk), state(record)

    @abstractmethod
    def named(self, term: str, lookup: str) -> Q:
        """The condition that something which names the resource fits the term."""

    @admin.display(description="state")
    def state(self, record: R) -> SafeString:
        return state_badge(record)

    @admin.display(description="externalId")
    def external(self, record: R) -> Any:
        return record.document.get("externalId")

    def shown(self, record: R, name: str, value: Any = None) -> Any:
        """The value of an attribute in a list, as the request's account gets to see it."""
        sight = Sight(is_whole=record.is_whole)  # type: ignore[attr-defined]  # annotated
        return sight.value(name, value or record.document.get(name), self.type_name)


def unique_key(condition: Q) -> Q:
    """The condition on the unique key, told so that indexes answer it: one each for who is deleted
    and who is not.
    """
    return (condition & Q(deleted_at=None)) | (condition & Q(deleted_at__isnull=False))


def who_is_called(term: str) -> list[UUID]:
    """The ids of the users with that whole userName, display name, work e-mail or externalId, deleted or not."""
    key = fold(term)
    named = unique_key(Q(unique_key=key)) | Q(work_email=key) | Q(external_id=term)
    named |= Q(display_name=key)
    return list(User.objects.filter(named).values_list("pk", flat=True)[:_NAMESAKES])
