"""Retention and legal hold on a tenant's page for staff, with the actions that change them."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.http import HttpRequest

from accounts.console.action import Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Section
from accounts.console.screen import Panel
from scim.keeping import retention
from scim.keeping.retention import MOST_DAYS, MOST_MONTHS, REASON_LENGTH
from tenants.models import LegalHold, Tenant
from tenants.words import counted

_FACTS_OF: Final = ("changes_months", "reads_days", "erase_after_days")


class RetentionForm(ActionForm):
    changes_months = forms.IntegerField(
        label="Months for changes",
        min_value=1,
        max_value=MOST_MONTHS,
        help_text="Requests that change something, and the history of attributes.",
    )
    reads_days = forms.IntegerField(
        label="Days for reads and bodies",
        min_value=1,
        max_value=MOST_DAYS,
        help_text="Requests that only read, and the bodies of all requests.",
    )

    erase_after_days = forms.IntegerField(
        label="Days until deleted users are erased",
        min_value=1,
        max_value=MOST_DAYS,
        required=False,
        help_text="Their personal data are erased so many days after Entra deleted them. Empty: only when"
        " somebody asks for it.",
    )


class HoldForm(ActionForm):
    reason = forms.CharField(
        max_length=REASON_LENGTH, help_text="One line, such as the number of the case."
    )


def _now(call: Call[Tenant]) -> dict[str, Any]:
    found = retention.of_tenant(call.record)
    return {"initial": {name: getattr(found, name) for name in _FACTS_OF}}


def _change(call: Call[Tenant]) -> None:
    retention.change_retention(call.actor, call.record, **{n: call.data[n] for n in _FACTS_OF})


def _is_held(tenant: Tenant) -> bool:
    return any(hold.user_id is None for hold in retention.holds(tenant))


class RetentionPanel(Panel[Any]):
    """The tenant's retention and its legal holds."""

    action_table = (
        Action(
            name="retention",
            label="Change retention",
            permission=retention.CHANGE,
            needs_proof=True,
            title="How long is {record.name} kept?",
            text="Older entries of the log and the history are removed once a day, for good.",
            form=RetentionForm,
            options=_now,
            submit="Change retention",
            run=_change,
            done="Retention changed. It applies from the next daily run on.",
        ),
        Action(
            name="hold",
            label="Set legal hold",
            permission=retention.HOLD,
            needs_proof=True,
            title="Put {record.name} under legal hold?",
            text="Nothing of this tenant is pruned, erased or deleted until the hold is lifted.",
            form=HoldForm,
            submit="Set legal hold",
            run=lambda call: retention.set_hold(call.actor, call.record, None, call.data["reason"]),
            done="{record.name} is under legal hold.",
            is_offered=lambda call: not _is_held(call.record),
        ),
        Action(
            name="lift_hold",
            label="Lift legal hold",
            permission=retention.HOLD,
            needs_proof=True,
            title="Lift the legal hold on {record.name}?",
            text="What has passed its retention meanwhile is removed with the next daily run.",
            submit="Lift legal hold",
            run=lambda call: retention.lift_hold(call.actor, call.record, None),
            done="The legal hold on {record.name} is lifted.",
            is_offered=lambda call: _is_held(call.record),
            is_dangerous=True,
        ),
    )

    def sections(self, request: HttpRequest, record: Tenant) -> Sequence[Section]:
        found, holds = retention.of_tenant(record), retention.holds(record)
        facts = (
            Fact("Changes and history", counted(found.changes_months, "month")),
            Fact("Reads and request bodies", counted(found.reads_days, "day")),
            Fact("Deleted users are erased", _erased(found.erase_after_days)),
            Fact("Last pruned", found.pruned_at or "Never"),
            Fact("Legal hold", _told(holds)),
        )
        return (Facts("Retention", facts),)


def _erased(days: int | None) -> str:
    return "On request" if days is None else f"After {counted(days, 'day')}"


def _told(holds: list[LegalHold]) -> str:
    """The holds in words, without the users' ids: their pages tell of their own."""
    if not holds:
        return "None"
    if holds[0].user_id is None:
        return f"The whole tenant, since {holds[0].set_at:%Y-%m-%d}: {holds[0].reason}"
    return counted(len(holds), "user")
