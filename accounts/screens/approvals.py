"""Credential requests: what waits for a second person, on the site of a tenant that staff visit."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString

from accounts import approvals
from accounts.actions import SECRET_YEARS, Minted
from accounts.actions.approvals import (
    Wanted,
    approve_credential,
    decline_credential,
    generate_approved,
    request_credential,
    require_approval,
    stop_requiring_approval,
)
from accounts.console import times
from accounts.console.action import Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Fact, Facts, Header, Page, State, badge, link, record_path
from accounts.console.screen import RecordAdmin
from accounts.models import Account, CredentialRequest
from accounts.permissions import MINT, REQUIRE_APPROVAL, STOP_APPROVAL
from accounts.screens import showing_clients, showing_tokens
from accounts.signed_in import actor
from tenants import clock
from tenants.current import current_tenant
from tenants.words import counted

_Outcome = CredentialRequest.Outcome
_Kind = CredentialRequest.Kind
_MAKE: Final[dict[str, str]] = {
    _Kind.TOKEN: "Generate secret token",
    _Kind.CLIENT: "Add OAuth client",
    _Kind.SECRET: "Add client secret",
}
_LOOKS: Final[dict[str, State]] = {
    _Outcome.WAITING: "warning",
    _Outcome.APPROVED: "ok",
    _Outcome.USED: "ok",
}
_WAIT: Final = (
    "Somebody else of staff has to approve this within 24 hours. Then come back here: its value is shown"
    " to you, once."
)


class DeclineForm(ActionForm):
    reason = forms.CharField(max_length=200, help_text="One line, kept in the audit log.")


def asked_for(call: Call[Any], wanted: Wanted) -> Page:
    """The page after a credential was requested, in place of the page with its value."""
    asked = request_credential(call.actor, current_tenant(), wanted)
    onward = link(record_path(CredentialRequest, asked.pk), "Go to the request")
    title = f"{asked.get_kind_display()} requested"
    return Page(title, _facts(asked), notice=_WAIT, onward=onward)


def approval_note() -> str:
    """The sentence that a second person has to approve a credential, while one has; else nothing."""
    if not approvals.are_required():
        return ""
    return "\nA second person of staff has to approve it: you generate it then."


def _is_waiting(call: Call[CredentialRequest]) -> bool:
    asked = call.record
    return asked.outcome == _Outcome.WAITING and not asked.is_over(clock.now())


def _is_for_second(call: Call[CredentialRequest]) -> bool:
    return _is_waiting(call) and call.record.requested_by != call.actor.name


def _can_be_generated(call: Call[CredentialRequest]) -> bool:
    asked = call.record
    is_open = asked.outcome == _Outcome.APPROVED and not asked.is_over(clock.now())
    return is_open and asked.requested_by == call.actor.name


def _make(call: Call[CredentialRequest]) -> str:
    return _MAKE[call.record.kind]


def _decline(call: Call[CredentialRequest]) -> CredentialRequest:
    return decline_credential(call.actor, current_tenant(), call.record.pk, call.data["reason"])


def _generate(call: Call[CredentialRequest]) -> Page:
    made = generate_approved(call.actor, current_tenant(), call.record.pk)
    if isinstance(made, Minted):
        return showing_tokens.shown_once(made)
    return showing_clients.shown_once(made)


def rule_actions(*, operator: bool) -> tuple[Action[Any], ...]:
    """The two actions that switch the rule, on a tenant's list or, for all tenants, on staff's."""
    everywhere = "every tenant" if operator else "{tenant.name}"

    def switch(change: Any, sentence: str) -> Any:
        def run(call: Call[None]) -> HttpResponse:
            change(call.actor, current_tenant())
            messages.success(call.request, sentence)
            return HttpResponseRedirect(call.request.path.rsplit("/", 2)[0] + "/")

        return run

    return (
        Action(
            name="require_approval",
            on_list=True,
            label="Require approval of credentials",
            needs_proof=True,
            permission=REQUIRE_APPROVAL,
            title="Require a second person's approval of credentials?",
            text=f"Secret tokens, OAuth clients and client secrets of {everywhere} are then requested by one person"
            " of staff and approved by another, within 24 hours.",
            submit="Require approval",
            run=switch(require_approval, "A second person approves credentials now."),
            is_offered=lambda _call: not approvals.stands(),
        ),
        Action(
            name="stop_requiring_approval",
            on_list=True,
            label="Stop requiring approval of credentials",
            needs_proof=True,
            permission=STOP_APPROVAL,
            title="Let one person generate credentials again?",
            text=f"One person of staff can then generate credentials of {everywhere} alone.",
            submit="Stop requiring approval",
            run=switch(stop_requiring_approval, "One person generates credentials again."),
            is_offered=lambda _call: approvals.stands(),
            is_dangerous=True,
        ),
    )


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name="generate",
        label=_make,
        needs_proof=True,
        permission=MINT,
        title=lambda call: f"{_make(call)}: {call.record.label}",
        text="The value is shown once. Tokens that it replaces end as it was requested, counted from now.",
        sections=lambda call: _facts(call.record),
        submit=_make,
        run=_generate,
        is_offered=_can_be_generated,
    ),
    Action(
        name="approve",
        label="Approve",
        needs_proof=True,
        permission=MINT,
        title="Approve {record.label}?",
        text="{record.requested_by} can then generate this credential of {tenant.name} ({tenant.host}), once.",
        sections=lambda call: _facts(call.record),
        submit="Approve",
        run=lambda call: approve_credential(call.actor, current_tenant(), call.record.pk),
        done="Approved: {record.requested_by} can generate it until the request expires.",
        is_offered=_is_for_second,
    ),
    Action(
        name="decline",
        label="Decline",
        needs_proof=True,
        permission=MINT,
        title="Decline {record.label}?",
        text="Nothing is generated. It can be requested again.",
        form=DeclineForm,
        submit="Decline",
        run=_decline,
        done="Declined: nothing is generated.",
        is_offered=_is_waiting,
        is_dangerous=True,
    ),
)


class CredentialRequestAdmin(RecordAdmin[CredentialRequest]):
    list_display = ("label", "kind", "state", "requested_by", "requested_at")
    list_display_links = ("label",)
    ordering = ("-requested_at", "pk")
    counted_as = ("credential request", "credential requests")
    group = "Connection"
    icon = "key"
    purpose = "Secret tokens and OAuth clients that a second person has to approve."
    when_empty = "While approval is required, a credential that somebody requests appears here."
    action_table = (*_ACTIONS, *rule_actions(operator=False))

    @admin.display(description="state")
    def state(self, asked: CredentialRequest) -> SafeString:
        return _state(asked)

    def page(self, request: HttpRequest, record: CredentialRequest) -> Page:
        now = clock.now()
        is_own = record.requested_by == actor(request).name
        header = Header(_state(record), (Fact("Ends", times.relative(record.expires_at, now)),))
        notice = _WAIT if is_own and record.outcome == _Outcome.WAITING else ""
        return Page(record.label, _facts(record), header=header, notice=notice)


def _state(asked: CredentialRequest) -> SafeString:
    is_expired = asked.is_over(clock.now()) and asked.outcome in {
        _Outcome.WAITING,
        _Outcome.APPROVED,
    }
    word = "Expired" if is_expired else asked.get_outcome_display()
    return badge("unknown" if is_expired else _LOOKS.get(asked.outcome, "unknown"), word)


def _facts(asked: CredentialRequest) -> tuple[Facts, ...]:
    request = (
        Fact("Requested by", asked.requested_by),
        Fact("Requested", asked.requested_at),
        Fact("Ends", asked.expires_at),
        Fact("Decided by", asked.decided_by or None),
        Fact("Decided", asked.decided_at),
        Fact("Reason for declining", asked.decided_reason or None),
        Fact("Public id", asked.token_public_id or None),
    )
    wanted = (Fact("Label", asked.label), *_wanted(asked))
    return (Facts(asked.get_kind_display(), wanted), Facts("Request", request))


def _wanted(asked: CredentialRequest) -> tuple[Fact, ...]:
    """The facts of what was asked for, by its kind."""
    wanted = asked.asked
    years = Fact("Secret expires after", SECRET_YEARS.get(wanted.get("years")))
    if asked.kind == _Kind.SECRET:
        return (Fact("Client id", wanted["client"]), years)
    common = (
        Fact("Issued for", _admin(wanted["issued_for"])),
        Fact("Allowed addresses", _addresses(wanted["allowed_from"])),
    )
    if asked.kind == _Kind.CLIENT:
        has_keys = bool(wanted["public_keys"].strip())
        return (*common, Fact("Proof", "Public keys") if has_keys else years)
    return (
        *common,
        Fact("Expires after", counted(wanted["days"], "day") if wanted["days"] else "Never"),
        Fact("Reason", wanted["no_expiry_reason"] or None),
        Fact("Tokens that end", len(wanted["replaces"]) or "None"),
    )


def _addresses(allowed: dict[str, Any]) -> str:
    """The addresses of a request, in words."""
    addresses = [*allowed["networks"].replace(",", " ").split()]
    if allowed["entra"]:
        addresses.append("Microsoft Entra ID")
    return ", ".join(addresses) or "Anywhere"


def _admin(named: str) -> str:
    """The e-mail address of the account, which a request names by it or by its id."""
    if "@" in named:
        return named
    found = Account.objects.filter(pk=named).values_list("email", flat=True).first()
    return found or named
