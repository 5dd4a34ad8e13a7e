"""The page that says what comes back with a deleted user, and the action that restores it."""

from typing import Any, Final
from uuid import UUID, uuid4

from django import forms

from accounts.actions.performing import note, performing
from accounts.audit import Actor, Details
from accounts.console.action import Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Section, Table
from accounts.console.screen import Panel
from scim.models import User
from scim.protocol import urns
from scim.provider import restoring
from scim.provider.requester import Requester
from scim.repository import belonging
from scim.screens.records import resource_link
from scim.screens.users import UserAdmin
from tenants.current import current_tenant
from tenants.models import Tenant
from tenants.words import counted

RESTORE: Final = "scim.restore_user"
_COMES_BACK: Final = (
    "The user returns to SCIM with its former id and attributes. Entra finds it by its"
    " userName in the next cycle and manages it again."
)
_ACTIVE: Final = "It was active when it was deleted, so it is active again at once."
_DISABLED: Final = "It was disabled when it was deleted, and stays disabled until Entra enables it."
_NO_GROUPS: Final = (
    "It left no group that still exists. If it belongs to groups, Entra adds it automatically."
)
_GROUPS: Final = "Existing groups that it left with the deletion"


class RestoreForm(ActionForm):
    """Asks whether the groups come back too, where there are some."""

    with_groups = forms.BooleanField(
        required=False,
        initial=True,
        label="Add it to these groups again",
        help_text="Entra does not do so until something changes in the group there.",
    )

    def __init__(self, *args: Any, has_groups: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_groups:
            del self.fields["with_groups"]


def restore_user(actor: Actor, tenant: Tenant, user_id: UUID, *, with_groups: bool) -> list[UUID]:
    """Bring a deleted user back; return the groups it is in again. Raises ActionRefused."""
    requester = Requester(
        tenant_url=tenant.tenant_url,
        request_id=f"restore-{uuid4().hex[:16]}",
        name=actor.name,
        address=actor.address,
    )
    with performing(actor, RESTORE, tenant):
        groups = restoring.restore(user_id, requester, with_groups=with_groups)
        details: Details = {"groups": [str(group) for group in groups]}
        note(actor, tenant, "user restored", str(user_id), details)
    return groups


Left = list[tuple[UUID, str]]  # the groups that a user left with its deletion, by id and name


def _restore(call: Call[User]) -> list[UUID]:
    with_groups = call.data.get("with_groups", False)
    return restore_user(call.actor, current_tenant(), call.record.pk, with_groups=with_groups)


def _text(call: Call[User]) -> str:
    is_disabled = call.record.document.get("active") is False
    lines = [
        _COMES_BACK,
        _DISABLED if is_disabled else _ACTIVE,
        *([] if call.known else [_NO_GROUPS]),
    ]
    return "\n".join(lines)


def _groups(call: Call[User]) -> tuple[Section, ...]:
    left: Left = call.known
    rows = tuple((resource_link(urns.GROUP_TYPE, key, name), key) for key, name in left)
    return (Table(_GROUPS, ("Group", "id"), rows, ""),) if rows else ()


class RestorePanel(Panel[UserAdmin]):
    """The button on a deleted user's page that brings the user back."""

    action_table = (
        Action(
            name="restore",
            label="Restore",
            needs_proof=True,
            permission=RESTORE,
            title="Restore this user?",
            look_up=lambda call: belonging.left_groups(call.record.pk),
            text=_text,
            sections=_groups,
            form=RestoreForm,
            options=lambda call: {"has_groups": bool(call.known)},
            submit="Restore this user",
            run=_restore,
            done=lambda call: (
                "User restored."
                + f" It is in {counted(len(call.result), 'group')} again." * bool(call.result)
            ),
            is_offered=lambda call: bool(call.record.deleted_at),
        ),
    )
