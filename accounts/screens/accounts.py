"""Accounts: on the staff site those of staff, on a visit those of the tenant."""

from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts import factors, guessing, invitations, proof
from accounts.actions import (
    ActionRefused,
    accept_invitation,
    can_be_invited,
    create_account,
    deactivate_account,
    invite_admin,
    reactivate_account,
    remove_admin,
    send_invitation,
    set_password,
    single_sign_on,
    unlock_account,
)
from accounts.actions.accounts import CHANGE, CREATE, REMOVE
from accounts.actions.factors import require_factor, reset_factors, stop_requiring_factor
from accounts.actions.mails import INVITE
from accounts.console.action import ADD, KEY, Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Page, badge, list_path
from accounts.console.screen import RecordAdmin
from accounts.models import Account
from accounts.permissions import (
    REQUIRE_FACTOR,
    RESET_FACTORS,
    STAFF_ROLES,
    TENANT_ROLES,
    UNLOCK,
    Role,
)
from accounts.signed_in import may, visit_of
from accounts.signing_in import SET_UP_FIRST, SINGLE_SIGN_ON
from accounts.sso import flow, rules
from accounts.sso.flow import Purpose
from accounts.sso.identity import SignOnRefused
from tenants import clock
from tenants.current import address_of, current_tenant

_LINK_REFUSED: Final = "It was used, is older than three days, or was replaced by another one. Ask for another invitation."


class AccountForm(ActionForm):
    email = forms.EmailField(label="E-mail address")
    name = forms.CharField(max_length=200, required=False)
    role = forms.ChoiceField()

    def __init__(self, *args: Any, roles: tuple[Role, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["role"]
        field.choices = [(role.value, role.label) for role in roles]


class InvitationForm(ActionForm):
    email = forms.EmailField(label="E-mail address")
    name = forms.CharField(max_length=200, required=False)


class PasswordForm(ActionForm):
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        label="New password",
        help_text=" ".join(password_validators_help_texts()),
    )


def _invite(call: Call[None]) -> Account:
    email, name = call.data["email"], call.data["name"]
    return invite_admin(call.actor, current_tenant(), email, name)


def _only_of_tenants(_key: None) -> None:
    if current_tenant().is_operator:
        raise Http404


def _create(call: Call[None]) -> Account:
    data = call.data
    role = Role(data["role"])
    return create_account(call.actor, current_tenant(), data["email"], data["name"], role)


def _roles(_call: Call[None]) -> dict[str, Any]:
    return {"roles": STAFF_ROLES if current_tenant().is_operator else TENANT_ROLES}


def _invited(call: Call[Any]) -> str:
    account: Account = call.result
    return invitations.prospect(account.email, clock.now())


def _may_invite_again(_call: Call[Account]) -> str:
    return CHANGE if current_tenant().is_operator else INVITE


def _wants_invitation(call: Call[Account]) -> bool:
    """True while the account cannot sign in for want of a link."""
    account = call.record
    is_admin = account.role in {Role.ADMIN, *STAFF_ROLES}
    return is_admin and can_be_invited(current_tenant(), account)


def _invitation(call: Call[Account]) -> str:
    back = "" if call.record.is_active else f"{call.record.email} is an admin here again with it."
    return (
        "It is an e-mail with a link that sets a password once, within 3 days.\n"
        f"A link that was sent before stops working.\n{back}"
    )


def _may_unlock(_call: Call[Account]) -> str:
    return CHANGE if current_tenant().is_operator else UNLOCK


def _is_locked(call: Call[Account]) -> bool:
    return guessing.locked_until(call.record, clock.now()) is not None


class ReasonForm(ActionForm):
    reason = forms.CharField(
        max_length=200,
        help_text="How you know that it is they who ask, such as a ticket and a call back.",
    )


def _may_reset(_call: Call[Account]) -> str:
    return CHANGE if current_tenant().is_operator else RESET_FACTORS


def _reset(call: Call[Account]) -> Account:
    return reset_factors(call.actor, current_tenant(), call.record.pk, call.data["reason"])


def _require(call: Call[None]) -> HttpResponse:
    """Whoever requires it without having one is led to it too."""
    session = call.request.session
    require_factor(call.actor, current_tenant(), but=session.session_key or "")
    own: Any = call.request.user
    is_here = visit_of(call.request) is None
    has_one = proof.method_of(call.request) == SINGLE_SIGN_ON or factors.of_account(own).exists()
    if is_here and not has_one:
        session[SET_UP_FIRST] = True
    messages.success(call.request, "Every admin needs a second factor now.")
    return HttpResponseRedirect(list_path(Account))


def _stop_requiring(call: Call[None]) -> HttpResponse:
    stop_requiring_factor(call.actor, current_tenant())
    messages.success(call.request, "A password is enough again.")
    return HttpResponseRedirect(list_path(Account))


def _can_be_required(_call: Call[None]) -> bool:
    tenant = current_tenant()
    return not tenant.is_operator and not factors.is_required(tenant)


def _can_be_dropped(_call: Call[None]) -> bool:
    tenant = current_tenant()
    return not tenant.is_operator and factors.is_required(tenant)


def _is_colleague(call: Call[Account]) -> bool:
    """True if tenant admins, who cannot change accounts, can remove this one from among them."""
    is_admin = call.record.role == Role.ADMIN and call.record.is_active
    return is_admin and not may(call.request, CHANGE)


_DEACTIVATION: Final = (
    "{record.email} can no longer sign in, and secret tokens issued for this account are refused, like"
    " its OAuth clients. Move the tokens to another account before.\n"
)
_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name=ADD,
        label="Add account",
        needs_proof=True,
        permission=CREATE,
        title="Add account",
        text="The account signs in at {tenant.base_url}/admin/.",
        form=AccountForm,
        options=_roles,
        submit="Add",
        run=_create,
        done=(
            "{result.email} has an account now. Send an invitation, or set a password, so that they can"
            " sign in."
        ),
    ),
    Action(
        name="invite",
        on_list=True,
        label="Invite an admin",
        needs_proof=True,
        permission=INVITE,
        title="Invite an admin",
        text=(
            "They choose a password by a link and can then do in {tenant.name} what every tenant admin"
            " can. If the link gets lost, send another invitation from the page of the account."
        ),
        form=InvitationForm,
        submit="Send invitation",
        run=_invite,
        done=_invited,
        is_offered=lambda _: not current_tenant().is_operator,
        find=_only_of_tenants,
    ),
    Action(
        name="invite_again",
        route=f"{KEY}/invite/",
        label="Send invitation",
        needs_proof=True,
        permission=_may_invite_again,
        title="Send an invitation to {record.email}?",
        text=_invitation,
        run=lambda call: send_invitation(call.actor, current_tenant(), call.record.pk),
        done=_invited,
        is_offered=_wants_invitation,
    ),
    Action(
        name="password",
        label="Set password",
        needs_proof=True,
        permission=CHANGE,
        title="Set the password of {record.email}",
        form=PasswordForm,
        run=lambda call: set_password(
            call.actor, current_tenant(), call.record.email, call.data["password"]
        ),
        done="{record.email} has a new password. Where it was signed in, it no longer is.",
    ),
    Action(
        name="deactivate",
        label="Deactivate",
        needs_proof=True,
        permission=CHANGE,
        title="Deactivate {record.email}?",
        text=_DEACTIVATION + "The account stays and can be reactivated.",
        submit="Deactivate this account",
        run=lambda call: deactivate_account(call.actor, current_tenant(), call.record.email),
        done="{record.email} is deactivated.",
        is_offered=lambda call: call.record.is_active,
        is_dangerous=True,
    ),
    Action(
        name="reactivate",
        label="Reactivate",
        needs_proof=True,
        permission=CHANGE,
        title="Reactivate {record.email}?",
        text=(
            "{record.email} can sign in again with the former password, and live secret tokens issued"
            " for this account work again."
        ),
        submit="Reactivate this account",
        run=lambda call: reactivate_account(call.actor, current_tenant(), call.record.email),
        done="{record.email} is active again.",
        is_offered=lambda call: not call.record.is_active,
    ),
    Action(
        name="require_factor",
        on_list=True,
        label="Require second factor",
        needs_proof=True,
        permission=REQUIRE_FACTOR,
        title="Require a second factor of every admin?",
        text=(
            "Admins of {tenant.name} without one are signed out. At their next sign-in they set up an"
            " authenticator app before they see anything."
        ),
        submit="Require it",
        run=_require,
        is_offered=_can_be_required,
        find=_only_of_tenants,
    ),
    Action(
        name="stop_requiring_factor",
        on_list=True,
        label="Stop requiring second factor",
        needs_proof=True,
        permission=REQUIRE_FACTOR,
        title="Let a password be enough again?",
        text="Admins of {tenant.name} who have a second factor are still asked for it.",
        submit="Stop requiring it",
        run=_stop_requiring,
        is_offered=_can_be_dropped,
        is_dangerous=True,
        find=_only_of_tenants,
    ),
    Action(
        name="reset_factors",
        label="Reset second factor",
        needs_proof=True,
        permission=_may_reset,
        title="Reset the second factor of {record.email}?",
        text=(
            "For someone who has lost the device and the recovery codes. Their authenticator app, passkeys"
            " and recovery codes stop working, and they are signed out. Be sure that it is they who ask."
        ),
        form=ReasonForm,
        submit="Reset",
        run=_reset,
        done="{record.email} has no second factor any more.",
        is_offered=lambda call: factors.of_account(call.record).exists(),
        is_dangerous=True,
    ),
    Action(
        name="unlock",
        label="Unlock sign-in",
        needs_proof=True,
        permission=_may_unlock,
        title="Unlock sign-in of {record.email}?",
        text=(
            "Wrong passwords locked it. Once it is unlocked, attempts are counted from zero: make sure"
            " that it was {record.email} who mistyped."
        ),
        submit="Unlock this account",
        run=lambda call: unlock_account(call.actor, current_tenant(), call.record.email),
        done="{record.email} can try to sign in again.",
        is_offered=_is_locked,
    ),
    Action(
        name="unlink",
        label="Unlink single sign-on",
        permission=single_sign_on.CHANGE,
        needs_proof=True,
        title="Unlink {record.email} from single sign-on?",
        text="The person of the identity provider can no longer sign in to this account, and its"
        " sessions end.",
        submit="Unlink this account",
        run=lambda call: single_sign_on.unlink_account(
            call.actor, current_tenant(), call.record.email
        ),
        done="{record.email} is not linked any more.",
        is_offered=lambda call: call.record.identities.exists(),
        is_dangerous=True,
    ),
    Action(
        name="remove",
        label="Remove",
        needs_proof=True,
        permission=REMOVE,
        title="Remove {record.email}?",
        text=_DEACTIVATION + "They can be invited again.",
        submit="Remove this admin",
        run=lambda call: remove_admin(call.actor, current_tenant(), call.record.email),
        done="{record.email} is no longer an admin here.",
        is_offered=_is_colleague,
        is_dangerous=True,
        leads_to_list=True,
    ),
)


def _second_factor(account: Account) -> str:
    return ", ".join(each.name for each in factors.of_account(account)) or "None"


def _sign_in(account: Account) -> str:
    until = guessing.locked_until(account, clock.now())
    return f"Locked until {until:%H:%M:%S} UTC: too many failed attempts" if until else "Not locked"


def _password(account: Account) -> str:
    if rules.is_break_glass(account):
        return "Set: the break-glass account, which signs in by it"
    if not account.has_usable_password():
        return "Not set" if rules.is_linked(account) else "Not set: cannot sign in"
    return "Set" if rules.may_use_password(account) else "Switched off: signs in by single sign-on"


class AccountAdmin(RecordAdmin[Account]):
    list_display = ("email", "name", "role", "state", "last_login", "created_at")
    ordering = ("email",)
    search_fields = ("email", "name")
    counted_as = ("account", "accounts")
    group = "Administration"
    icon = "account"
    purpose = "Accounts that can sign in here, with their roles."
    views_noted = ("accounts listed", "account viewed")
    action_table = _ACTIONS

    @admin.display(description="state")
    def state(self, account: Account) -> SafeString:
        return badge("ok", "Active") if account.is_active else badge("unknown", "Deactivated")

    def page(self, request: HttpRequest, record: Account) -> Page:
        facts = (
            Fact("E-mail address", record.email),
            Fact("Name", record.name or None),
            Fact("Role", record.get_role_display()),
            Fact("State", "Active" if record.is_active else "Deactivated: cannot sign in"),
            Fact("Password", _password(record)),
            Fact("Single sign-on", "Linked" if rules.is_linked(record) else "Not linked"),
            Fact("Second factor", _second_factor(record)),
            Fact("Sign-in", _sign_in(record)),
            Fact("Last sign-in", record.last_login or "Never"),
            Fact("Created", record.created_at),
        )
        return Page(record.email, (Facts("Account", facts),))


def accept_page(site: AdminSite, request: HttpRequest, value: str) -> HttpResponse:
    """The page behind the link of an invitation, without session and nonce: the link is the right to it.

    An account accepts it by a password, or by single sign-on, which links it with a person.

    410 for a link that no longer works.
    """
    account = invitations.LINK.find(value)
    if account is None:
        return _invitation_page(site, request, {"refusal": _LINK_REFUSED}, HTTPStatus.GONE)
    if "sign_on" in request.POST:
        return _accept_by_sign_on(site, request, value)
    form: Any = SetPasswordForm(account, request.POST or None)
    if request.method == "POST" and rules.may_use_password(account) and form.is_valid():
        return _accept(site, request, value, form)
    return _invitation_page(site, request, {"form": form, "invited": account})


def _accept_by_sign_on(site: AdminSite, request: HttpRequest, value: str) -> HttpResponse:
    """The page from which the browser goes to the provider: a form may not lead to another site."""
    asked = flow.new(request.POST["sign_on"], Purpose.ACCEPT, invitation=value)
    try:
        url = flow.begin(request, current_tenant(), asked)
    except SignOnRefused as refusal:
        return _invitation_page(site, request, {"refusal": str(refusal)}, HTTPStatus.FORBIDDEN)
    return _invitation_page(site, request, {"onward": url})


def _accept(site: AdminSite, request: HttpRequest, value: str, form: Any) -> HttpResponse:
    password, address = form.cleaned_data["new_password1"], address_of(request)
    try:
        account: Account = accept_invitation(current_tenant(), value, password, address)
    except ActionRefused as error:
        return _invitation_page(site, request, {"refusal": str(error)}, HTTPStatus.GONE)
    messages.success(request, f"Your password is set. Sign in as {account.email}.")
    return HttpResponseRedirect(reverse("admin:login"))


def _invitation_page(
    site: AdminSite, request: HttpRequest, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    whole = {**site.each_context(request), "title": "Invitation", **context}
    return TemplateResponse(request, "admin/invitation.html", whole, status=status)
