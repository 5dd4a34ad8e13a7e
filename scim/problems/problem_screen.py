"""Open problems on the screens: a tenant's list, one problem, and what overviews lead with."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import audit
from accounts.console.action import Action
from accounts.console.form import ActionForm
from accounts.console.listing import Conditions, TableFilter
from accounts.console.page import (
    Banner,
    Fact,
    Facts,
    Header,
    Overview,
    Page,
    Section,
    Table,
    link,
    screen_link,
)
from accounts.console.screen import Panel, RecordAdmin
from accounts.console.searching import Hit, Search
from accounts.console.site import Entry, Part
from accounts.console.times import relative
from accounts.links import staff_path, visit_path
from accounts.screens.site import SEE_TENANTS
from accounts.signed_in import actor, may
from scim.models import ProvisioningEvent, Resource
from scim.problems.ledger import never_created
from scim.problems.muting import MUTE, mute, unmute
from scim.problems.people import names_of, title_of
from scim.problems.standing import (
    OPEN,
    STANDINGS,
    by_reason,
    conditions,
    standing_badge,
    standing_of,
)
from scim.refusals import explain, in_short, noun_of
from scim.screens.records import resource_link
from scim.screens.visibility import Sight
from tenants import clock
from tenants.connectivity import SENT_WITHIN, open_problems
from tenants.current import current_tenant
from tenants.models import Problem, Tenant
from tenants.words import counted

SEE: Final = "tenants.view_problem"
LISTED: Final = 10  # rows on an overview
LISTED_ON_PAGE: Final = 200  # rows of the page of all tenants
_REQUESTS: Final = 50  # of one problem
_IN_SIGHT: Final = 10  # of these before the others fold
_REFUSED: Final = 400  # HTTP status
_LIST: Final = "admin:tenants_problem_changelist"
_EVENT: Final = "admin:scim_provisioningevent_change"
_KIND: Final = "Open problems"  # of hits of a search
_LOOKED: Final = "found across tenants"  # in the audit log, as for users and requests
_HINT: Final = (
    "Somebody who was refused and never created is found by the complete user name that was sent."
)
_NONE: Final = (
    "No open problems: everything that was refused has succeeded since, or is no longer sent."
)
_QUIET: Final = f"Not sent for {SENT_WITHIN.days} days: Entra has stopped to repeat it."


class MuteForm(ActionForm):
    reason = forms.CharField(
        max_length=200,
        help_text="One line, such as a ticket, or why it may stay so. The page of the problem shows it.",
    )


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name="mute",
        label="Mute",
        permission=MUTE,
        title="Mute this problem?",
        text="It leaves the overviews and stays in the list, with your reason. Refusals are counted on.",
        form=MuteForm,
        submit="Mute this problem",
        run=lambda call: mute(call.actor, current_tenant(), call.record, call.data["reason"]),
        done="The problem is muted.",
        is_offered=lambda call: call.record.muted_at is None,
    ),
    Action(
        name="unmute",
        label="Unmute",
        permission=MUTE,
        title="Unmute this problem?",
        text="It is on the overviews again while it is still failing.",
        run=lambda call: unmute(call.actor, current_tenant(), call.record),
        done="The problem is no longer muted.",
        is_offered=lambda call: call.record.muted_at is not None,
    ),
)


class StandingFilter(TableFilter):
    """Those that still fail, unless another state is chosen."""

    title = "state"
    parameter_name = "state"
    conditions: Conditions = {
        each.name: (each.label, lambda name=each.name: conditions(clock.now())[name])
        for each in STANDINGS
    } | {"all": ("All", Q)}

    def value(self) -> str:
        return super().value() or OPEN.name

    def choices(self, changelist: Any) -> Any:
        """The states and *All*; Django's own *All* would be the default."""
        return list(super().choices(changelist))[1:]


class ReasonFilter(TableFilter):
    """By the id of a reason; the links of the overview lead here."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The reasons of the tenant's problems: one statement, by the index of its problems."""
        found = Problem.objects.filter(tenant=current_tenant()).order_by("reason")
        reasons = found.values_list("reason", flat=True).distinct()
        return [(reason, _shown(reason)) for reason in reasons]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class ProblemAdmin(RecordAdmin[Problem]):
    list_display = ("problem", "state", "times", "first_at", "last_at")
    list_display_links = ("problem",)
    list_filter = (StandingFilter, ReasonFilter)
    ordering = ("-last_at", "pk")
    counted_as = ("problem", "problems")
    group = "Provisioning"
    icon = "problems"
    purpose = "Refused requests, one row for each user or group and reason."
    views_noted = ("problems listed", "problem viewed")
    action_table = _ACTIONS
    when_empty = "Nothing that Entra sent was refused."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Problem]:
        """Those of the current tenant: the table is in the registry."""
        return super().get_queryset(request).filter(tenant=current_tenant())

    def prepare(self, request: HttpRequest, rows: Iterable[Problem]) -> None:
        found = list(rows)
        names = names_of(found, Sight.of(request))
        for row in found:
            row.shown_as = title_of(row, names.get(row.pk), in_short(row.reason))  # type: ignore[attr-defined]

    def hits(self, search: Search) -> Iterable[Hit]:
        """The open problems of who was never created, by the complete name that was sent."""
        if not search.term or search.only:
            return
        asked = open_problems(clock.now()).filter(tenant=current_tenant())
        found = never_created(asked, search.term)
        self.prepare(search.request, found)
        for row in found:
            yield Hit(_KIND, self.problem(row), self.record_path(row.pk))

    @admin.display(description="problem")
    def problem(self, problem: Problem) -> str:
        return str(problem.shown_as)  # type: ignore[attr-defined]  # prepare

    @admin.display(description="state")
    def state(self, problem: Problem) -> SafeString:
        return standing_badge(problem, clock.now())

    def page(self, request: HttpRequest, record: Problem) -> Page:
        sight, now = Sight.of(request), clock.now()
        name = names_of([record], sight).get(record.pk)
        title = title_of(record, name, in_short(record.reason))
        facts = [
            Fact("Refused", counted(record.times, "time")),
            Fact("First", record.first_at),
            Fact("Last", record.last_at),
        ]
        if record.resource_id and name:
            kind = record.resource_type
            facts.append(Fact(kind, resource_link(kind, record.resource_id, name)))
        if record.settled_at:
            facts.append(Fact("Resolved", record.settled_at))
        sections: tuple[Section, ...] = (_remedy(record), *_muted(record), _requests(record, sight))
        quiet = _QUIET if standing_of(record, now).name == "quiet" else ""
        return Page(
            title,
            sections,
            notice=f"{quiet} {sight.notice}".strip(),
            header=Header(standing_badge(record, now), tuple(facts)),
        )


def _remedy(problem: Problem) -> Facts:
    explanation = explain(problem.status, "", problem.reason)
    if explanation is None:
        return Facts("Remedy", ())
    facts = (
        Fact("Problem", explanation.sentence),
        Fact("Remedy", explanation.remedy),
        Fact("Place", explanation.place),
        Fact("Rule", explanation.rule),
    )
    return Facts("Remedy", facts)


def _muted(problem: Problem) -> tuple[Facts, ...]:
    if problem.muted_at is None:
        return ()
    facts = (
        Fact("Reason", problem.muted_reason),
        Fact("Since", problem.muted_at),
        Fact("By", problem.muted_by),
    )
    return (Facts("Muted", facts),)


def _requests(problem: Problem, sight: Sight) -> Table:
    """The newest of its refused requests, found by the id, or by the userName of the last one."""
    last = ProvisioningEvent.objects.filter(request_id=problem.request_id).order_by("-id")
    key = last.values_list("user_name_key", flat=True).first()
    if problem.resource_id:
        about = Q(resource_id=problem.resource_id)
    else:
        about = Q(user_name_key=key) if key else Q(request_id=problem.request_id)
    found = ProvisioningEvent.objects.filter(about, reason=problem.reason).order_by("-id")
    rows = tuple(
        (
            event.at,
            screen_link(_EVENT, event.request_id, event.pk),
            event.status,
            sight.text(event.detail),
        )
        for event in found.only("at", "request_id", "status", "detail")[:_REQUESTS]
    )
    headings = ("When", "Request", "Status", "Answer")
    return Table("Its requests", headings, rows, "None are kept.", folded_from=_IN_SIGHT)


class TenantPart(Part):
    """The tenant's open problems, by reason, at the top of its first page."""

    def overview(self, request: HttpRequest) -> Overview:
        """One statement on the registry."""
        if not may(request, SEE):
            return Overview()
        tenant = current_tenant()
        problems = reverse("admin:tenants_problem_changelist")
        found = by_reason(open_problems(clock.now()).filter(tenant=tenant), most=LISTED)
        rows = tuple(
            (
                _link(problems, row["reason"]),
                row["affected"],
                row["since"],
                row["last"],
                _remedy_of(row["reason"]),
            )
            for row in found
        )
        more = link(problems, "All open problems") if rows else None
        return Overview(leading=(Table("Open problems", _HEADINGS, rows, _NONE, more),))


_HEADINGS: Final = ("Problem", "Users or groups", "Since", "Last", "Remedy")


class StaffPart(Part):
    """The open problems of all tenants: on the first page, and on a page of its own."""

    entries = (
        Entry(
            "Customers",
            "Open problems",
            "admin:problems",
            "Refusals of all tenants, by reason.",
            "problems",
        ),
    )

    def urls(self) -> Sequence[URLPattern]:
        return (path("problems/", self.site.admin_view(self.problems), name="problems"),)

    def overview(self, request: HttpRequest) -> Overview:
        """One statement on the registry, whatever the number of tenants."""
        if not may(request, SEE_TENANTS):
            return Overview()
        more = link(staff_path("admin:problems"), "All open problems")
        return Overview(leading=(_of_all_tenants(LISTED, more),))

    def hits(self, search: Search) -> Iterable[Hit]:
        """The open problems of who was never created, in any tenant, by the complete name that was sent.

        As with users the result has what was looked for and no more; what it leads to is on a visit.
        """
        if search.is_typing or search.only or not search.term:
            return
        if not may(search.request, SEE_TENANTS):
            return
        found = never_created(open_problems(clock.now()), search.term)
        if found:
            tenants = sorted({each.tenant.custom_domain for each in found})
            details = {"tenants": tenants, "found": [_KIND]}
            audit.record(actor(search.request), _LOOKED, ", ".join(tenants)[:200], details)
        for each in found:
            path = visit_path(each.tenant, "admin:tenants_problem_change", each.pk)
            title = f"{noun_of(each.operation)} of {search.term} refused: {in_short(each.reason)}"
            where = f"{each.tenant.name} · {each.tenant.custom_domain}"
            yield Hit(_KIND, title, path, where, is_exact=True)

    def nothing_hint(self, request: HttpRequest) -> str:
        return _HINT if may(request, SEE_TENANTS) else ""

    def problems(self, request: HttpRequest) -> HttpResponse:
        """Every tenant's open problems."""
        if not may(request, SEE_TENANTS):
            raise PermissionDenied
        page = Page("Open problems", (_of_all_tenants(LISTED_ON_PAGE),))
        context = {**self.site.each_context(request), "title": page.title, "page": page}
        return TemplateResponse(request, "console/record.html", context)


class ProblemPanel(Panel[Any]):
    """The open problem of a user or group, at the top of its page."""

    def problem(self, request: HttpRequest, record: Resource) -> Banner | None:
        """The newest one: one statement on the registry."""
        if not may(request, SEE):
            return None
        now = clock.now()
        found = open_problems(now).filter(
            tenant=current_tenant(), subject=f"{record.resource_type}:{record.pk}"
        )
        newest = found.order_by("-last_at", "pk").first()
        if newest is None:
            return None
        title = f"{noun_of(newest.operation)} refused {relative(newest.last_at, now)}: {in_short(newest.reason)}."
        path = reverse("admin:tenants_problem_change", args=[newest.pk])
        return Banner("failing", title, _remedy_of(newest.reason), link(path, "View problem"))


class TenantPanel(Panel[Any]):
    """The open problems of a tenant on staff's page of it."""

    def problem(self, request: HttpRequest, record: Tenant) -> Banner | None:
        """The one that most users or groups have: one statement on the registry."""
        found = by_reason(open_problems(clock.now()).filter(tenant=record), most=LISTED)
        if not found:
            return None
        affected, worst = sum(row["affected"] for row in found), found[0]["reason"]
        number = counted(affected, "user or group is", "users or groups are")
        path = visit_path(record, "admin:tenants_problem_changelist")
        title = f"{number} refused: {', '.join(in_short(row['reason']) for row in found[:3])}."
        return Banner("failing", title, _remedy_of(worst), link(path, "View open problems"))


def _shown(reason: str) -> str:
    words = in_short(reason)
    return words[:1].upper() + words[1:]


def _link(problems: str, reason: str) -> SafeString:
    """The reason, in one line, as a link to its problems in the list at that path."""
    words = format_html('<span class="whole">{}</span>', _shown(reason))
    return link(f"{problems}?reason={reason}", words)


def _remedy_of(reason: str) -> str:
    """The first sentence of the remedy."""
    explanation = explain(_REFUSED, "", reason)
    return f"{explanation.remedy.split('. ')[0].rstrip('.')}." if explanation else ""


def _of_all_tenants(most: int, more: SafeString | None = None) -> Table:
    found = by_reason(
        open_problems(clock.now()), "tenant__name", "tenant__custom_domain", "tenant_id", most=most
    )
    rows = tuple(
        (
            link(
                visit_path(Tenant(custom_domain=row["tenant__custom_domain"]), "admin:index"),
                row["tenant__name"],
            ),
            _link(
                visit_path(Tenant(custom_domain=row["tenant__custom_domain"]), _LIST), row["reason"]
            ),
            row["affected"],
            row["since"],
            row["last"],
            _remedy_of(row["reason"]),
        )
        for row in found
    )
    return Table("Open problems", ("Tenant", *_HEADINGS), rows, _NONE, more if rows else None)
