"""Single sign-on of a tenant: the values to copy, the steps at the provider, and its state."""

from datetime import timedelta
from typing import Any, Final, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts.actions import ActionRefused, single_sign_on
from accounts.actions.single_sign_on import CHANGE, OidcRequest
from accounts.console.action import Action, Call
from accounts.console.form import ActionForm
from accounts.console.page import Button, Fact, Facts, Page, Section, Table, badge, link
from accounts.console.screen import RecordAdmin
from accounts.models import Account
from accounts.signed_in import may, visit_of
from accounts.sso import flow, saml
from accounts.sso.flow import Purpose
from accounts.sso.identity import URL_LENGTH, Kind, SignOnRefused
from accounts.sso.models import CLIENT_ID_LENGTH, IdentityLink, IdentityProvider
from accounts.sso.oidc import WELL_KNOWN
from accounts.sso.places import redirect_uri, service_of, start_url
from tenants import clock
from tenants.current import current_tenant
from tenants.models import Tenant

_SOON: Final = timedelta(days=30)
_ENTRA: Final = "Microsoft Entra admin center"
_STEPS: Final = {
    Kind.OIDC: (
        ("App registrations, New registration", "Name it myPolicies, for this directory only."),
        ("Redirect URI", "Platform Web, with the redirect URI above."),
        ("Certificates & secrets", "Add a client secret and copy its value."),
        ("Overview, Endpoints", "Copy the OpenID Connect metadata document."),
        (
            "Here",
            "Enter the document's URL, the Application (client) ID and the secret, then test.",
        ),
    ),
    Kind.SAML: (
        ("Enterprise applications, myPolicies", "Open Single sign-on and choose SAML."),
        (
            "Basic SAML Configuration",
            "Enter the Identifier, the Reply URL and the Sign on URL above.",
        ),
        ("SAML Certificates", "Download the Federation Metadata XML."),
        ("Users and groups", "Assign the people who sign in here."),
        ("Here", "Upload the file, then test."),
    ),
}


class OidcForm(ActionForm):
    document_url = forms.CharField(
        max_length=URL_LENGTH,
        label="OpenID Connect metadata document",
        help_text="Its URL, with the id of your directory, ending in"
        " /.well-known/openid-configuration.",
    )
    client_id = forms.CharField(max_length=CLIENT_ID_LENGTH, label="Application (client) ID")
    secret = forms.CharField(
        max_length=single_sign_on.MAX_SECRET,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        label="Client secret",
        help_text="Its value, not its id. Stored encrypted; empty keeps the present one.",
    )
    secret_expires_on = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        label="Client secret expires on",
        help_text="As Entra shows it beside the secret. Admins are told 30, 14, 3 and 1 days before.",
    )


class SamlForm(ActionForm):
    file = forms.FileField(
        required=False,
        label="Federation Metadata XML",
        help_text="The file that Entra offers below SAML Certificates.",
    )
    metadata = forms.CharField(
        max_length=saml.MAX_METADATA,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        label="Or its content",
    )

    def clean(self) -> dict[str, Any]:
        """Take the text from the file, if one was sent."""
        data = super().clean() or {}
        given = data.get("file")
        if given is not None:
            if given.size > saml.MAX_METADATA:
                raise ValidationError({"file": "The file is too large for federation metadata."})
            data["metadata"] = given.read().decode("utf-8-sig", "replace")
        if not data.get("metadata"):
            raise ValidationError({"file": "Choose the file, or paste its content below."})
        return data


class BreakGlassForm(ActionForm):
    break_glass = forms.EmailField(
        label="Break-glass account",
        help_text="The e-mail address of an active admin with a password.",
    )


def values_to_copy(tenant: Tenant, kind: Kind) -> Facts:
    """The tenant's values that the provider is given, under the names that Entra has for them."""
    if kind == Kind.OIDC:
        facts: tuple[Fact, ...] = (Fact("Redirect URI", redirect_uri(tenant), copyable=True),)
    else:
        service = service_of(tenant)
        facts = (
            Fact("Identifier (Entity ID)", service.entity_id, copyable=True),
            Fact("Reply URL (Assertion Consumer Service URL)", service.acs_url, copyable=True),
            Fact("Sign on URL", start_url(tenant, kind), copyable=True),
        )
    return Facts(f"Values for the {_ENTRA}", facts)


def _guide(kind: Kind) -> tuple[Section, ...]:
    steps = tuple((str(at), *step) for at, step in enumerate(_STEPS[kind], 1))
    table = Table(f"Steps in the {_ENTRA}", ("Step", "Place", "What to do"), steps, "")
    return (values_to_copy(current_tenant(), kind), table)


def _set_up_oidc(call: Call[Any]) -> IdentityProvider:
    data = call.data
    request = OidcRequest(
        data["document_url"], data["client_id"], data["secret"], data["secret_expires_on"]
    )
    return single_sign_on.set_up_oidc(call.actor, current_tenant(), request)


def _set_up_saml(call: Call[Any]) -> IdentityProvider:
    return single_sign_on.set_up_saml(call.actor, current_tenant(), call.data["metadata"])


def _is_missing(kind: Kind) -> bool:
    return not IdentityProvider.objects.filter(kind=kind).exists()


def _present(call: Call[Any]) -> dict[str, Any]:
    """The stored values, in the form that changes them; never the secret."""
    provider = call.record
    if provider is None or provider.kind != Kind.OIDC:
        return {}
    url = f"{provider.issuer}{WELL_KNOWN}"
    initial = {
        "document_url": url,
        "client_id": provider.client_id,
        "secret_expires_on": provider.secret_expires_on,
    }
    return {"initial": initial}


def _link(call: Call[IdentityProvider]) -> Page:
    """The page from which the browser goes to the provider: a form may not lead to another site."""
    account = str(call.request.user.pk)
    asked = flow.new(call.record.kind, Purpose.LINK, account=account)
    try:
        url = flow.begin(call.request, current_tenant(), asked)
    except SignOnRefused as refusal:
        raise ActionRefused(refusal.reason, str(refusal)) from refusal
    return Page(
        "Link your account",
        (),
        notice="Continue, and sign in there as yourself. The link is good for ten minutes.",
        onward=link(url, "Continue to the identity provider"),
    )


def _require(call: Call[IdentityProvider]) -> IdentityProvider:
    own = None if visit_of(call.request) else cast("Account", call.request.user)
    kind, break_glass = call.record.kind, call.data["break_glass"]
    return single_sign_on.require(call.actor, current_tenant(), kind, break_glass, own)


def _can_link(call: Call[IdentityProvider]) -> bool:
    """True for somebody of the tenant who is not linked yet; staff on a visit have no account here."""
    provider, user = call.record, cast("Account", call.request.user)
    if visit_of(call.request) is not None or not provider.is_enabled:
        return False
    same = IdentityLink.objects.filter(kind=provider.kind, issuer=provider.issuer)
    return not same.filter(account_id=user.pk).exists()


_SAVED: Final = "Saved. Test it before anybody signs in by it."
_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name="set_up_oidc",
        on_list=True,
        label="Set up OpenID Connect",
        permission=CHANGE,
        needs_proof=True,
        title="Set up OpenID Connect",
        sections=lambda _: _guide(Kind.OIDC),
        form=OidcForm,
        submit="Save",
        run=_set_up_oidc,
        done=_SAVED,
        is_offered=lambda _: _is_missing(Kind.OIDC),
    ),
    Action(
        name="set_up_saml",
        on_list=True,
        label="Set up SAML",
        permission=CHANGE,
        needs_proof=True,
        title="Set up SAML",
        sections=lambda _: _guide(Kind.SAML),
        form=SamlForm,
        submit="Save",
        run=_set_up_saml,
        done=_SAVED,
        is_offered=lambda _: _is_missing(Kind.SAML),
    ),
    Action(
        name="change_oidc",
        label="Change",
        permission=CHANGE,
        needs_proof=True,
        title="Change OpenID Connect",
        text="People go on signing in while only the secret changes. Another directory or client is"
        " off until it has been tested.",
        form=OidcForm,
        options=_present,
        submit="Save",
        run=_set_up_oidc,
        done="Saved.",
        is_offered=lambda call: call.record.kind == Kind.OIDC,
    ),
    Action(
        name="change_saml",
        label="Change",
        permission=CHANGE,
        needs_proof=True,
        title="Change SAML",
        text="People go on signing in while only certificates change. Another identity provider is"
        " off until it has been tested.",
        form=SamlForm,
        submit="Save",
        run=_set_up_saml,
        done="Saved.",
        is_offered=lambda call: call.record.kind == Kind.SAML,
    ),
    Action(
        name="enable",
        label="Enable",
        permission=CHANGE,
        needs_proof=True,
        title="Enable {record}?",
        text="The sign-in page of {tenant.name} offers it, beside passwords. People whose accounts are"
        " linked can use it.",
        submit="Enable single sign-on",
        run=lambda call: single_sign_on.enable(call.actor, current_tenant(), call.record.kind),
        done="Single sign-on is enabled.",
        is_offered=lambda call: not call.record.is_enabled,
    ),
    Action(
        name="link",
        label="Link my account",
        permission=single_sign_on.VIEW,
        needs_proof=True,
        title="Link your account",
        text="You are sent to the identity provider. Whoever signs in there can sign in to your account"
        " here from now on.",
        submit="Continue",
        run=_link,
        is_offered=_can_link,
    ),
    Action(
        name="require",
        label="Switch passwords off",
        permission=CHANGE,
        needs_proof=True,
        title="Switch passwords off?",
        text="All sign in to {tenant.name} by {record} from now on. One account keeps its password, for"
        " the day on which the identity provider fails: keep it in a safe place.\n"
        "People whose accounts are not linked can no longer sign in: link them before.",
        form=BreakGlassForm,
        submit="Switch passwords off",
        run=_require,
        done="Passwords are switched off, but for the break-glass account.",
        is_offered=lambda call: call.record.is_enabled and call.record.break_glass_id is None,
        is_dangerous=True,
    ),
    Action(
        name="allow_passwords",
        label="Allow passwords",
        permission=CHANGE,
        needs_proof=True,
        title="Allow passwords again?",
        text="Accounts that have a password can sign in by it again, beside {record}.",
        submit="Allow passwords",
        run=lambda call: single_sign_on.allow_passwords(
            call.actor, current_tenant(), call.record.kind
        ),
        done="Passwords work again.",
        is_offered=lambda call: call.record.break_glass_id is not None,
    ),
    Action(
        name="disable",
        label="Disable",
        permission=CHANGE,
        needs_proof=True,
        title="Disable {record}?",
        text="Nobody can sign in by it any more. Its settings and links stay.",
        submit="Disable single sign-on",
        run=lambda call: single_sign_on.disable(call.actor, current_tenant(), call.record.kind),
        done="Single sign-on is disabled.",
        is_offered=lambda call: call.record.is_enabled and call.record.break_glass_id is None,
        is_dangerous=True,
    ),
    Action(
        name="remove",
        label="Remove",
        permission=CHANGE,
        needs_proof=True,
        title="Remove {record}?",
        text="Its settings and the client secret are forgotten.",
        submit="Remove single sign-on",
        run=lambda call: single_sign_on.remove(call.actor, current_tenant(), call.record.kind),
        done="Single sign-on is removed.",
        is_offered=lambda call: not call.record.is_enabled,
        is_dangerous=True,
        leads_to_list=True,
    ),
)


class IdentityProviderAdmin(RecordAdmin[IdentityProvider]):
    list_display = ("kind", "issuer", "state", "changed_at")
    ordering = ("kind",)
    counted_as = ("identity provider", "identity providers")
    group = "Administration"
    icon = "sign-on"
    purpose = "Sign-in with Microsoft Entra ID, by OpenID Connect or SAML."
    when_empty = "Choose a protocol above: the page shows the values for Entra and the steps there."
    views_noted = ("single sign-on viewed", "single sign-on viewed")
    action_table = _ACTIONS

    def get_queryset(self, request: HttpRequest) -> QuerySet[IdentityProvider]:
        return super().get_queryset(request).defer("secret")

    @admin.display(description="state")
    def state(self, provider: IdentityProvider) -> SafeString:
        return state_of(provider)

    def page(self, request: HttpRequest, record: IdentityProvider) -> Page:
        kind = Kind(record.kind)
        sections = (_facts(record), *_guide(kind))
        # A test is of the browser's own sign-in, which staff on a visit do not have here.
        can_test = record.is_read and may(request, CHANGE) and visit_of(request) is None
        buttons = (Button("Test", reverse("admin:sso_test", args=[kind])),) if can_test else ()
        return Page(f"Single sign-on: {record}", sections, buttons=buttons, notice=_notice(record))


def state_of(provider: IdentityProvider) -> SafeString:
    """A badge for the state of the provider."""
    if provider.failure and not provider.is_read:
        return badge("failing", "Not reachable")
    if not provider.is_read:
        return badge("unknown", "Being read")
    if provider.is_enabled:
        return badge("ok", "Enabled")
    return badge("unknown", "Tested, not enabled" if provider.tested_at else "Not tested")


def _notice(provider: IdentityProvider) -> str:
    if provider.failure:
        return f"{provider.failure} The worker tries again within five minutes."
    if not provider.is_read:
        return "The provider's documents are being read. Reload this page in a few seconds."
    ends = provider.secret_expires_on
    if ends is not None and ends - clock.now().date() <= _SOON:
        return (
            f"The client secret ends on {ends:%-d %b %Y}. Add another one in Entra, press Change and enter"
            " it with its day."
        )
    return ""


def _secret(provider: IdentityProvider) -> str | None:
    if not provider.secret:
        return None
    ends = provider.secret_expires_on
    return f"Stored, expires on {ends:%-d %b %Y}" if ends else "Stored, without a day of expiry"


def _facts(provider: IdentityProvider) -> Facts:
    facts = [Fact("State", state_of(provider)), Fact("Issuer", provider.issuer)]
    if provider.kind == Kind.OIDC:
        keys = len(provider.documents.get("keys", ()))
        facts += [
            Fact("Client ID", provider.client_id),
            Fact("Client secret", _secret(provider)),
            Fact(
                "Public keys",
                f"{keys}, read {provider.read_at:%Y-%m-%d %H:%M} UTC" if keys else None,
            ),
        ]
    else:
        ends = [saml.expiry_of(each) for each in provider.document("certificates")]
        facts += [
            Fact("Sign-in URL", provider.document("sign_on_url")),
            Fact("Certificates until", ", ".join(f"{end:%Y-%m-%d}" for end in ends)),
        ]
    facts += [
        Fact("Passwords", _passwords(provider)),
        Fact("Tested", provider.tested_at or "Not since the last change"),
        Fact("Changed", provider.changed_at),
        Fact("Changed by", provider.changed_by),
    ]
    return Facts("Identity provider", tuple(facts))


def _passwords(provider: IdentityProvider) -> str:
    kept = provider.break_glass
    return f"Switched off, but for {kept.email} (break-glass)" if kept else "Work beside it"
