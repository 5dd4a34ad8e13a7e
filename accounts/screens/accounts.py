"""Accounts: on the staff site those of staff, on a visit those of the tenant."""

from typing import Any, Final
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString

from accounts import invitations
from accounts.actions import (
    can_be_invited,
    create_account,
    deactivate_account,
    invite_admin,
    reactivate_account,
    remove_admin,
    send_invitation,
    set_password,
)
from accounts.console.asked import Asked, ask, done
from accounts.console.page import Act, Fact, Facts, Page, badge
from accounts.console.screen import RecordAdmin
from accounts.models import Account
from accounts.permissions import STAFF_ROLES, TENANT_ROLES, Role
from accounts.screens.forms import AccountForm, InvitationForm, PasswordForm
from accounts.signed_in import actor, may, record_view
from tenants import clock
from tenants.current import current_tenant

ADD: Final = "accounts.add_account"
CHANGE: Final = "accounts.change_account"
INVITE: Final = "accounts.invite_account"
REMOVE: Final = "accounts.remove_account"


class AccountAdmin(RecordAdmin[Account]):
    list_display = ("email", "name", "role", "state", "last_login", "created_at")
    ordering = ("email",)
    search_fields = ("email", "name")
    add_label = "Add account"
    add_permission = ADD
    counted_as = ("account", "accounts")
    group = "Administration"
    purpose = "Who can sign in here, and as what."

    @admin.display(description="state")
    def state(self, account: Account) -> SafeString:
        return badge("ok", "Active") if account.is_active else badge("unknown", "Deactivated")

    def get_urls(self) -> list[URLPattern]:
        acts = [
            self.act_url("invite/", self.invite_view, "invite"),
            self.act_url("<uuid:account_id>/invite/", self.invite_again_view, "invite_again"),
            self.act_url("<uuid:account_id>/remove/", self.remove_view, "remove"),
            self.act_url("<uuid:account_id>/password/", self.password_view, "password"),
            self.act_url("<uuid:account_id>/deactivate/", self.deactivate_view, "deactivate"),
            self.act_url("<uuid:account_id>/reactivate/", self.reactivate_view, "reactivate"),
        ]
        return [*acts, *super().get_urls()]

    def viewed(self, request: HttpRequest, subject: str) -> None:
        record_view(request, "account viewed" if subject else "accounts listed", subject)

    def page(self, request: HttpRequest, record: Account) -> Page:
        facts = (
            Fact("E-mail address", record.email),
            Fact("Name", record.name or None),
            Fact("Role", record.get_role_display()),
            Fact("State", "Active" if record.is_active else "Deactivated: cannot sign in"),
            Fact("Password", "Set" if record.has_usable_password() else "Not set: cannot sign in"),
            Fact("Last sign-in", record.last_login or "Never"),
            Fact("Created", record.created_at),
        )
        acts = (*self._invitation(request, record), *self._acts(request, record))
        return Page(record.email, (Facts("Account", facts),), acts)

    def _invitation(self, request: HttpRequest, account: Account) -> tuple[Act, ...]:
        """The button that sends a link, while the account cannot sign in for want of one."""
        tenant = current_tenant()
        permission = CHANGE if tenant.is_operator else INVITE
        is_admin = account.role in {Role.ADMIN, *STAFF_ROLES}
        if not (is_admin and can_be_invited(tenant, account) and may(request, permission)):
            return ()
        return (self.act("Send invitation", "invite_again", account.pk),)

    def _acts(self, request: HttpRequest, account: Account) -> tuple[Act, ...]:
        if not may(request, CHANGE):
            return self._own_acts(request, account)
        password = self.act("Set password", "password", account.pk)
        if account.is_active:
            return password, self.act("Deactivate", "deactivate", account.pk, is_dangerous=True)
        return password, self.act("Reactivate", "reactivate", account.pk)

    def _own_acts(self, request: HttpRequest, account: Account) -> tuple[Act, ...]:
        """What tenant admins can do among themselves."""
        is_admin = account.role == Role.ADMIN and account.is_active
        if not is_admin or not may(request, REMOVE):
            return ()
        return (self.act("Remove", "remove", account.pk, is_dangerous=True),)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        is_offered = not current_tenant().is_operator and may(request, INVITE)
        acts = (self.act("Invite an admin", "invite"),) if is_offered else ()
        return super().changelist_view(request, {"acts": acts, **(extra_context or {})})

    def invite_view(self, request: HttpRequest) -> HttpResponse:
        """The form that invites a tenant admin by e-mail."""
        tenant = current_tenant()
        if tenant.is_operator:
            raise Http404

        def invite(form: InvitationForm) -> HttpResponse:
            data = form.cleaned_data
            account = invite_admin(actor(request), tenant, data["email"], data["name"])
            return done(request, self.record_path(account.pk), _invited(account))

        asked = Asked(
            title="Invite an admin",
            act_label="Send invitation",
            permission=INVITE,
            cancel_path=self.list_path(),
            run=invite,
            form=InvitationForm,
            sentences=(
                (
                    f"They choose a password by a link and can then do in {tenant.name} what every"
                    " tenant admin can. If the link gets lost, send another invitation from the page"
                    " of the account."
                ),
            ),
        )
        return ask(self, request, asked)

    def invite_again_view(self, request: HttpRequest, account_id: UUID) -> HttpResponse:
        """The page that says what the link is for; its POST sends it to the account."""
        account, tenant = self.get_record(request, account_id), current_tenant()

        def send(_form: Any) -> HttpResponse:
            invited = send_invitation(actor(request), tenant, account.pk)
            return done(request, self.record_path(account.pk), _invited(invited))

        back = () if account.is_active else (f"{account.email} is an admin here again with it.",)
        asked = Asked(
            title=f"Send an invitation to {account.email}?",
            act_label="Send invitation",
            permission=CHANGE if tenant.is_operator else INVITE,
            cancel_path=self.record_path(account.pk),
            run=send,
            sentences=(
                "It is an e-mail with a link that sets a password once, within 3 days.",
                "A link that was sent before stops working.",
                *back,
            ),
        )
        return ask(self, request, asked)

    def remove_view(self, request: HttpRequest, account_id: UUID) -> HttpResponse:
        """The page that says what will stop; its POST removes a tenant admin."""
        account = self.get_record(request, account_id)

        def remove(_form: Any) -> HttpResponse:
            remove_admin(actor(request), current_tenant(), account.email)
            return done(request, self.list_path(), f"{account.email} is no longer an admin here.")

        asked = Asked(
            title=f"Remove {account.email}?",
            act_label="Remove this admin",
            permission=REMOVE,
            cancel_path=self.record_path(account.pk),
            run=remove,
            sentences=(_deactivation(account), "They can be invited again."),
            is_dangerous=True,
        )
        return ask(self, request, asked)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        tenant = current_tenant()
        roles = STAFF_ROLES if tenant.is_operator else TENANT_ROLES

        def create(form: AccountForm) -> HttpResponse:
            data = form.cleaned_data
            role = Role(data["role"])
            account = create_account(actor(request), tenant, data["email"], data["name"], role)
            sentence = (
                f"{account.email} has an account now. Send an invitation, or set a password, so that"
                " they can sign in."
            )
            return done(request, self.record_path(account.pk), sentence)

        asked = Asked(
            title="Add account",
            act_label="Add",
            permission=ADD,
            cancel_path=self.list_path(),
            run=create,
            form=lambda *args, **kwargs: AccountForm(*args, roles=roles, **kwargs),
            sentences=(f"The account signs in at {tenant.base_url}/admin/.",),
        )
        return ask(self, request, asked)

    def password_view(self, request: HttpRequest, account_id: UUID) -> HttpResponse:
        """The form that gives the account a password."""
        account = self.get_record(request, account_id)

        def store(form: PasswordForm) -> HttpResponse:
            password = form.cleaned_data["password"]
            set_password(actor(request), current_tenant(), account.email, password)
            sentence = (
                f"{account.email} has a new password. Where it was signed in, it no longer is."
            )
            return done(request, self.record_path(account.pk), sentence)

        asked = Asked(
            title=f"Set the password of {account.email}",
            act_label="Set password",
            permission=CHANGE,
            cancel_path=self.record_path(account.pk),
            run=store,
            form=PasswordForm,
        )
        return ask(self, request, asked)

    def deactivate_view(self, request: HttpRequest, account_id: UUID) -> HttpResponse:
        """The page that says what will stop; its POST deactivates."""
        account = self.get_record(request, account_id)

        def deactivate(_form: Any) -> HttpResponse:
            deactivate_account(actor(request), current_tenant(), account.email)
            return done(request, self.record_path(account.pk), f"{account.email} is deactivated.")

        asked = Asked(
            title=f"Deactivate {account.email}?",
            act_label="Deactivate this account",
            permission=CHANGE,
            cancel_path=self.record_path(account.pk),
            run=deactivate,
            sentences=(_deactivation(account), "The account stays and can be reactivated."),
            is_dangerous=True,
        )
        return ask(self, request, asked)

    def reactivate_view(self, request: HttpRequest, account_id: UUID) -> HttpResponse:
        """The page that says what will work again; its POST reactivates."""
        account = self.get_record(request, account_id)

        def reactivate(_form: Any) -> HttpResponse:
            reactivate_account(actor(request), current_tenant(), account.email)
            return done(request, self.record_path(account.pk), f"{account.email} is active again.")

        asked = Asked(
            title=f"Reactivate {account.email}?",
            act_label="Reactivate this account",
            permission=CHANGE,
            cancel_path=self.record_path(account.pk),
            run=reactivate,
            sentences=(
                (
                    f"{account.email} can sign in again with the former password, and live secret"
                    " tokens issued for this account work again."
                ),
            ),
        )
        return ask(self, request, asked)


def _invited(account: Account) -> str:
    return invitations.prospect(account.email, clock.now())


def _deactivation(account: Account) -> str:
    return (
        f"{account.email} can no longer sign in, and secret tokens issued for this account are refused,"
        " like its OAuth clients. Move the tokens to another account before."
    )
