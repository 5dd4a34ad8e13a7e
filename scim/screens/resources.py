"""The common base of the screens of users and groups: the list's columns, the page as it was."""

from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from django.contrib import admin
from django.db.models import BooleanField, Q, QuerySet, Value
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.console.listing import TableFilter, since, uuid_in
from accounts.console.screen import RecordAdmin
from scim.models import Resource, User
from scim.protocol.schema import ResourceType
from scim.provider.catalog import resource_type
from scim.screens.records import state_badge
from scim.screens.visibility import Sight
from tenants.current import current_tenant
from tenants.lettercase import fold

_NAMESAKES: Final = 50  # users with one e-mail or externalId (E21), or deleted ones with one name
_SHOWN: Final = ("id", "document", "version", "created", "last_modified", "deleted_at", "continues")

R = TypeVar("R", bound=Resource)


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

    def named(self, term: str, lookup: str) -> Q:
        """The condition that something which names the resource fits the term."""
        raise NotImplementedError

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
    """The ids of the users with that whole userName, work e-mail or externalId, deleted or not."""
    key = fold(term)
    named = unique_key(Q(unique_key=key)) | Q(work_email=key) | Q(external_id=term)
    return list(User.objects.filter(named).values_list("pk", flat=True)[:_NAMESAKES])
