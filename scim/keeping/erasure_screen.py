"""Erasure and legal hold on a user's page: what will go, the reason, and what became of it."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.console.action import Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Section
from accounts.console.screen import Panel
from accounts.signed_in import may
from scim.keeping import erasing, retention
from scim.keeping.retention import REASON_LENGTH
from scim.keeping.retention_screen import HoldForm
from scim.models import AttributeChange, ProvisioningEvent, User
from scim.screens.users import UserAdmin
from tenants.current import current_tenant
from tenants.models import Erasure

_WHEN: Final = (("0", "As soon as possible"), ("7", "In 7 days"), ("30", "In 30 days"))
_TEXT: Final = (
    "Name, addresses and all other personal data of this user are removed for good: from the record, its"
    " history, the bodies of requests, the audit log and event streams. Only the id, the times and keyed"
    " digests of userName and externalId stay. The user can no longer be restored.\n"
    "Backups and exports made before still have the data. Until it is done, the erasure can be withdrawn."
)


class ErasureForm(ActionForm):
    """Asks for the id, which nobody types by mistake."""

    reason = forms.CharField(
        max_length=REASON_LENGTH, help_text="One line, such as the number of the person's request."
    )
    days = forms.ChoiceField(label="When", choices=_WHEN, initial="7")
    confirmation = forms.CharField(
        label="The id of this user", help_text="Copy it from the user's page to confirm."
    )

    def __init__(self, *args: Any, user_id: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user_id = user_id

    def clean_confirmation(self) -> str:
        """The id. Raises ValidationError for another one."""
        given = str(self.cleaned_data["confirmation"]).strip().lower()
        if given != self._user_id:
            raise ValidationError("This is not the id of this user.")
        return given


def _what_goes(call: Call[User]) -> tuple[Section, ...]:
    """The rows that will be emptied, counted: the second look."""
    key = call.record.pk
    facts = (
        Fact("Changes in the history", AttributeChange.objects.filter(resource_id=key).count()),
        Fact("Requests in the log", ProvisioningEvent.objects.filter(resource_id=key).count()),
        Fact("Deleted", call.record.deleted_at),
    )
    return (Facts("To be erased", facts),)


def _plan(call: Call[User]) -> Erasure:
    reason, days = call.data["reason"], int(call.data["days"])
    return erasing.plan(call.actor, current_tenant(), call.record.pk, reason, days)


def _can_be_erased(call: Call[User]) -> bool:
    user = call.record
    if user.deleted_at is None or erasing.is_erased(user):
        return False
    return erasing.of_user(current_tenant(), user.pk) is None and not _is_held(user)


def _is_held(user: User) -> bool:
    held = retention.held_users(current_tenant())
    return held is None or user.pk in held


def _has_own_hold(call: Call[User]) -> bool:
    return any(hold.user_id == call.record.pk for hold in retention.holds(current_tenant()))


class ErasurePanel(Panel[UserAdmin]):
    """The user's planned erasure and legal hold."""

    action_table = (
        Action(
            name="erase",
            label="Erase personal data",
            permission=erasing.ERASE,
            needs_proof=True,
            title="Erase the personal data of this user?",
            text=_TEXT,
            sections=_what_goes,
            form=ErasureForm,
            options=lambda call: {"user_id": str(call.record.pk)},
            submit="Erase personal data",
            run=_plan,
            done="Erasure planned.",
            is_offered=_can_be_erased,
            is_dangerous=True,
        ),
        Action(
            name="withdraw_erasure",
            label="Withdraw erasure",
            permission=erasing.ERASE,
            needs_proof=True,
            title="Withdraw the erasure of this user?",
            submit="Withdraw erasure",
            run=lambda call: erasing.withdraw(call.actor, current_tenant(), call.record.pk),
            done="Erasure withdrawn.",
            is_offered=lambda call: erasing.of_user(current_tenant(), call.record.pk) is not None,
        ),
        Action(
            name="hold",
            label="Set legal hold",
            permission=retention.HOLD,
            needs_proof=True,
            title="Put this user under legal hold?",
            text="Its log, history and memberships are not pruned, and it is not erased, until the hold is lifted.",
            form=HoldForm,
            submit="Set legal hold",
            run=lambda call: retention.set_hold(
                call.actor, current_tenant(), call.record.pk, call.data["reason"]
            ),
            done="This user is under legal hold.",
            is_offered=lambda call: not _has_own_hold(call),
        ),
        Action(
            name="lift_hold",
            label="Lift legal hold",
            permission=retention.HOLD,
            needs_proof=True,
            title="Lift the legal hold on this user?",
            text="What has passed its retention meanwhile is removed with the next daily run.",
            submit="Lift legal hold",
            run=lambda call: retention.lift_hold(call.actor, current_tenant(), call.record.pk),
            done="The legal hold on this user is lifted.",
            is_offered=_has_own_hold,
            is_dangerous=True,
        ),
    )

    def notice(self, request: HttpRequest, record: User) -> str:
        if erasing.is_erased(record):
            return "The personal data of this user have been erased."
        planned = erasing.of_user(current_tenant(), record.pk)
        return (
            f"The personal data of this user will be erased after {planned.due_at:%Y-%m-%d %H:%M} UTC."
            if planned
            else ""
        )

    def sections(self, request: HttpRequest, record: User) -> Sequence[Section]:
        """Holds and planned erasures, for those who decide on them."""
        if not (may(request, retention.HOLD) or may(request, erasing.ERASE)):
            return ()
        own = [hold for hold in retention.holds(current_tenant()) if hold.user_id == record.pk]
        planned = erasing.of_user(current_tenant(), record.pk)
        if not own and planned is None:
            return ()
        facts = [Fact("Legal hold", f"Since {each.set_at:%Y-%m-%d}: {each.reason}") for each in own]
        if planned:
            facts.append(Fact("Erasure", f"Asked for by {planned.asked_by}: {planned.reason}"))
        return (Facts("Retention", tuple(facts)),)
