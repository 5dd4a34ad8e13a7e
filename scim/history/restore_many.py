"""Bringing several deleted users back at once, with a result for each."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from django import forms
from django.db import transaction

from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor, Details
from accounts.console.action import Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Page, Table, link, list_path
from accounts.console.screen import Panel
from accounts.console.times import relative
from scim.history.restore import RESTORE
from scim.models import User
from scim.protocol import urns
from scim.provider import restoring
from scim.provider.requester import Requester
from scim.screens.records import resource_link, who_is_called
from scim.screens.users import UserAdmin
from scim.screens.visibility import Sight
from tenants import clock
from tenants.current import current_tenant
from tenants.models import Tenant
from tenants.words import counted

AT_ONCE: Final = 50
_DONE: Final = "Restored"
_TEXT: Final = (
    f"At most {AT_ONCE} users at once: of those that the search of the list finds by a complete name or id, or"
    " else those that were deleted last.\n"
    "Each comes back with its former id, attributes and state. Entra finds it by its userName in the next cycle."
    " One whose name somebody else has by now stays deleted, and the result says so."
)

# The users that can be chosen, and what became of those that were: ids with words.
Choices = list[tuple[str, str]]
Results = list[tuple[UUID, str]]


class RestoreManyForm(ActionForm):
    """Asks for the users, and whether they join their groups again."""

    with_groups = forms.BooleanField(
        required=False, initial=True, label="Add them to their former groups again"
    )

    def __init__(self, *args: Any, users: Choices, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["users"] = forms.MultipleChoiceField(
            choices=users,
            widget=forms.CheckboxSelectMultiple,
            label="Users to restore",
            error_messages={"required": "Choose at least one user."},
        )


def restore_users(
    actor: Actor, tenant: Tenant, user_ids: Sequence[UUID], *, with_groups: bool
) -> Results:
    """Bring deleted users back, each that nothing hinders; what became of each, in that order."""
    requester = Requester(
        tenant_url=tenant.tenant_url,
        request_id=f"restore-{uuid4().hex[:16]}",
        name=actor.name,
        address=actor.address,
    )
    results: Results = []
    with performing(actor, RESTORE, tenant):
        for user_id in sorted(user_ids):  # in one order, so that no two wait for each other
            try:
                with transaction.atomic():
                    groups = restoring.restore(user_id, requester, with_groups=with_groups)
            except restoring.Taken as error:
                results.append((user_id, error.brief))
            except ActionRefused as error:
                results.append((user_id, str(error)))
            else:
                details: Details = {"groups": [str(group) for group in groups]}
                note(actor, tenant, "user restored", str(user_id), details)
                results.append((user_id, _DONE))
    return results


def _users(call: Call[None]) -> dict[str, Any]:
    """The users to choose from: found by the list's search, or those deleted last."""
    sight, now = Sight.of(call.request), clock.now()
    deleted = User.objects.filter(deleted_at__isnull=False).exclude(document={})
    term = call.request.GET.get("q", "").replace("\0", "").strip()
    if term:
        deleted = deleted.filter(pk__in=who_is_called(term))
    found = deleted.order_by("-deleted_at", "pk").only("document", "deleted_at")[:AT_ONCE]
    return {"users": [(str(user.pk), _told(user, sight, now)) for user in found]}


def _told(user: User, sight: Sight, now: Any) -> str:
    login = sight.value("userName", user.document.get("userName"), urns.USER_TYPE)
    name = sight.value("displayName", user.document.get("displayName"), urns.USER_TYPE)
    known_by = f"{name} ({login})" if name else str(login)
    when = relative(user.deleted_at, now) if user.deleted_at else ""
    return f"{known_by}, deleted {when}"


def _restore(call: Call[None]) -> Page:
    ids = [UUID(each) for each in call.data["users"]]
    with_groups = call.data["with_groups"]
    results = restore_users(call.actor, current_tenant(), ids, with_groups=with_groups)
    known = User.objects.only("document").in_bulk(ids)
    sight = Sight.of(call.request)
    rows = tuple(
        (
            resource_link(urns.USER_TYPE, key, _name(known.get(key), sight)),
            told,
        )
        for key, told in results
    )
    number = sum(told == _DONE for _, told in results)
    title = f"{number:,} of {counted(len(results), 'user')} restored"
    back = link(f"{list_path(User)}?state=deleted", "Deleted users")
    return Page(title, (Table("Results", ("User", "Result"), rows, ""),), links=(back,))


def _name(user: User | None, sight: Sight) -> Any:
    document = user.document if user else {}
    shown = document.get("displayName") or document.get("userName")
    return sight.value("displayName", shown, urns.USER_TYPE) if shown else None


class RestoreManyPanel(Panel[UserAdmin]):
    """The button above the list of deleted users."""

    action_table = (
        Action(
            name="restore_many",
            on_list=True,
            reads_query=True,
            label="Restore users",
            needs_proof=True,
            permission=RESTORE,
            title="Restore deleted users",
            text=_TEXT,
            form=RestoreManyForm,
            options=_users,
            submit="Restore the chosen users",
            run=_restore,
            is_offered=lambda call: call.request.GET.get("state") == "deleted",
        ),
    )
