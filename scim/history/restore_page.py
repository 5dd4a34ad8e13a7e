"""The page that says what comes back with a deleted user, and the action that restores it."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse

from accounts.actions.performing import note, performing
from accounts.audit import Actor, Details
from accounts.console.asked import Asked, done
from accounts.console.form import ActionForm
from accounts.console.page import Section, Table
from accounts.signed_in import actor
from scim.models import User
from scim.protocol import urns
from scim.provider import restoring
from scim.provider.restoring import Restoration
from scim.repository import belonging
from scim.screens.records import resource_link
from tenants.current import current_tenant
from tenants.models import Tenant

RESTORE: Final = "scim.restore_user"
_COMES_BACK: Final = (
    "The user is there again for SCIM, with its former id and attributes. Entra finds it by its"
    " userName in the next cycle and goes on managing it."
)
_ACTIVE: Final = "It was active when it was deleted, so it can be used again at once."
_DISABLED: Final = "It was disabled when it was deleted, and stays so until Entra enables it."
_NO_GROUPS: Final = "It was in no group that is still there. Entra adds it to groups by itself if it belongs to some."
_GROUPS: Final = "Groups that it left with the deletion and that are still there"


class RestoreForm(ActionForm):
    """Whether the groups come back too."""

    with_groups = forms.BooleanField(
        required=False,
        initial=True,
        label="Add it to these groups again",
        help_text="Entra does not do it by itself as long as nothing changes in the group there.",
    )


def restore_user(actor: Actor, tenant: Tenant, user_id: UUID, *, with_groups: bool) -> list[UUID]:
    """Bring a deleted user back; return the groups it is in again. Raises ActionRefused."""
    wanted = Restoration(
        user_id=user_id,
        by=actor.name,
        address=actor.address,
        with_groups=with_groups,
    )
    with performing(actor, RESTORE, tenant):
        groups = restoring.restore(wanted)
        details: Details = {"groups": [str(group) for group in groups]}
        note(actor, tenant, "user restored", str(user_id), details)
    return groups


def asked(request: HttpRequest, user: User, record_path: str) -> Asked:
    """What is asked before a user is restored."""
    left = belonging.left_groups(user.pk)
    rows = tuple((resource_link(urns.GROUP_TYPE, key, name), key) for key, name in left)
    sections: tuple[Section, ...] = (Table(_GROUPS, ("Group", "id"), rows, ""),) if rows else ()

    def restore(form: Any) -> HttpResponse:
        with_groups = form.cleaned_data.get("with_groups", False)
        groups = restore_user(actor(request), current_tenant(), user.pk, with_groups=with_groups)
        sentence = "The user is restored." + (
            f" It is in {len(groups)} groups again." * bool(groups)
        )
        return done(request, record_path, sentence)

    return Asked(
        title="Restore this user?",
        act_label="Restore this user",
        permission=RESTORE,
        cancel_path=record_path,
        run=restore,
        form=RestoreForm if left else ActionForm,
        sentences=(
            _COMES_BACK,
            _DISABLED if user.document.get("active") is False else _ACTIVE,
            *(() if left else (_NO_GROUPS,)),
        ),
        sections=sections,
    )
