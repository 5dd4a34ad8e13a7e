"""The pages of a single sign-on: to the identity provider, back from it, and what comes of it.

They are a tenant's own host's alone: staff sign in without, and no visit reaches them.
"""

from http import HTTPStatus
from typing import Any, Final, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from accounts import guessing, invitations, proof, signing_in
from accounts.actions import ActionRefused, single_sign_on
from accounts.audit import Actor, record
from accounts.console.page import Fact, Facts, Page, link, record_path
from accounts.hashing import Busy, Lane, lane
from accounts.models import Account
from accounts.screens.single_sign_on import IdentityProviderAdmin
from accounts.signed_in import actor, may
from accounts.sso import flow, saml
from accounts.sso.flow import Open, Purpose
from accounts.sso.identity import SIGNED, Identity, Kind, SignOnRefused
from accounts.sso.models import IdentityProvider
from accounts.sso.places import service_of
from accounts.sso.refusals import ROWS
from tenants import clock
from tenants.current import address_of, current_tenant, log_with
from tenants.errors import Refused

_ROWS: Final = {row.id: row for row in ROWS}
_METHOD: Final = signing_in.SINGLE_SIGN_ON
# The threads of a process that wait for providers: a tenant has one, so a slow provider holds up no other's.
_exchanges: Final = Lane(places=2)
_BUSY: Final = "Many people are signing in at this moment. Load this page again in a second."


class SigningOn:
    """The views, for the site of tenants."""

    def __init__(self, site: AdminSite) -> None:
        self.site = site

    def urls(self) -> list[URLPattern]:
        return [
            path("sso/oidc/", self.callback, name="sso_callback"),
            path("sso/saml/", csrf_exempt(self.acs), name="sso_acs"),
            path("sso/saml/finish/", self.finish, name="sso_finish"),
            path("sso/saml/metadata/", self.metadata, name="sso_metadata"),
            path("sso/<str:kind>/start/", self.start, name="sso_start"),
            path("sso/<str:kind>/test/", self.test, name="sso_test"),
            path("sso/<str:kind>/renew/", self.renew, name="sso_renew"),
        ]

    @method_decorator((never_cache, require_GET))
    def start(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Send the browser to the identity provider, to sign in."""
        opened = flow.new(kind, Purpose.SIGN_IN, next_path=request.GET.get("next", ""))
        return self._sent(request, opened)

    @method_decorator((never_cache, require_GET))
    def test(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Send an admin's browser to the identity provider, to see what comes back."""
        if not self.site.has_permission(request) or not may(request, single_sign_on.CHANGE):
            raise Http404
        return self._sent(request, flow.new(kind, Purpose.TEST, account=str(request.user.pk)))

    @method_decorator((never_cache, require_GET))
    def renew(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Send a browser that is signed in to the identity provider, to prove the person anew."""
        if not self.site.has_permission(request):
            raise Http404
        way_on = request.GET.get("next", "")
        account = str(request.user.pk)
        return self._sent(request, flow.new(kind, Purpose.RENEW, next_path=way_on, account=account))

    def _sent(self, request: HttpRequest, opened: Open) -> HttpResponse:
        try:
            return HttpResponseRedirect(flow.begin(request, current_tenant(), opened))
        except SignOnRefused as refusal:
            return self._failed(request, refusal)

    @method_decorator((never_cache, require_GET))
    def callback(self, request: HttpRequest) -> HttpResponse:
        """Take the answer of an OpenID Connect provider."""
        tenant, opened = current_tenant(), None
        try:
            with _exchanges.place(tenant.custom_domain):
                opened = flow.take(request, Kind.OIDC)
                person = flow.answer_by_code(tenant, opened, request.GET.dict())
        except SignOnRefused as refusal:
            return self._stranger(request, refusal, opened)
        except Busy:  # the request is still open: the page can be loaded again
            return self._busy(request)
        return self._arrived(request, opened, person)

    @method_decorator((never_cache, require_POST))
    def acs(self, request: HttpRequest) -> HttpResponse:
        """Take the answer of a SAML provider, which comes without the session's cookie."""
        try:
            with lane.place(address_of(request) or ""):
                flow.keep(current_tenant(), request.POST.get("SAMLResponse", ""), clock.now())
        except SignOnRefused as refusal:
            return self._stranger(request, refusal)
        except Busy:
            return self._busy(request)
        answer = HttpResponseRedirect(reverse("admin:sso_finish"))
        answer.status_code = HTTPStatus.SEE_OTHER
        return answer

    @method_decorator((never_cache, require_GET))
    def finish(self, request: HttpRequest) -> HttpResponse:
        """Go on in the browser that has the request open, once the answer is there."""
        try:
            opened = flow.take(request, Kind.SAML)
        except SignOnRefused as refusal:
            return self._stranger(request, refusal)
        try:
            person = flow.answer_kept(current_tenant(), opened)
        except SignOnRefused as refusal:
            return self._stranger(request, refusal, opened)
        return self._arrived(request, opened, person)

    @method_decorator(require_GET)
    def metadata(self, request: HttpRequest) -> HttpResponse:
        """The tenant's own SAML metadata; nothing in them is secret."""
        text = saml.service_metadata(service_of(current_tenant()))
        return HttpResponse(text, "application/samlmetadata+xml")

    def _arrived(self, request: HttpRequest, opened: Open, person: Identity) -> HttpResponse:
        """The answer to a browser that comes back with a person."""
        try:
            if opened.purpose == Purpose.TEST:
                return self._tested(request, opened, person)
            if opened.purpose == Purpose.LINK:
                return self._linked(request, opened, person)
            if opened.purpose == Purpose.RENEW:
                return self._renewed(request, opened, person)
            account = (
                self._accepted(request, opened, person)
                if opened.purpose == Purpose.ACCEPT
                else single_sign_on.linked_account(person)
            )
        except Refused as refusal:
            by = Actor(f"{person.login or 'somebody'} (single sign-on)", address_of(request))
            guessing.note_sign_on(
                f"{person.issuer} {person.subject}",
                by,
                current_tenant().custom_domain,
                refusal.reason,
                clock.now(),
            )
            return self._failed(request, refusal, opened)
        single_sign_on.note_use(person, clock.now())
        signing_in.complete(request, account, _METHOD)
        return HttpResponseRedirect(_next_path(request, opened))

    def _accepted(self, request: HttpRequest, opened: Open, person: Identity) -> Account:
        """The invited account, linked with the person. Raises ActionRefused."""
        tenant = current_tenant()
        account = invitations.LINK.find(opened.invitation, lock=True)
        if account is None:
            raise ActionRefused("invitation.ended", "The invitation no longer works.")
        by = Actor.account(account, tenant, address_of(request))
        single_sign_on.link_account(by, tenant, account, person)
        record(by, "invitation accepted", account.email, {"method": _METHOD})
        return account

    def _linked(self, request: HttpRequest, opened: Open, person: Identity) -> HttpResponse:
        account = self._same_account(request, opened)
        single_sign_on.link_account(actor(request), current_tenant(), account, person)
        messages.success(request, f"{account.email} can sign in by single sign-on from now on.")
        return HttpResponseRedirect(_provider_path(opened.kind))

    def _renewed(self, request: HttpRequest, opened: Open, person: Identity) -> HttpResponse:
        account = self._same_account(request, opened)
        flow.check_renewed(opened, person)
        if single_sign_on.linked_account(person) != account:
            raise SignOnRefused("sso.linked", "The person is linked to another account.")
        proof.renew(request, _METHOD)
        record(actor(request), "identity confirmed", account.email, {"method": _METHOD})
        return HttpResponseRedirect(_next_path(request, opened))

    def _tested(self, request: HttpRequest, opened: Open, person: Identity) -> HttpResponse:
        self._same_account(request, opened)
        single_sign_on.note_test(actor(request), current_tenant(), opened.kind)
        try:
            leads_to = single_sign_on.linked_account(person).email
        except SignOnRefused:
            leads_to = "No account yet: link one"
        facts = (
            Fact("Issuer", person.issuer),
            Fact("Immutable id", person.subject),
            Fact("Name", person.name or None),
            Fact("User name there", person.login or None),
            Fact("Signs in to", leads_to),
        )
        return self._page(request, opened.kind, "The test succeeded", facts)

    def _same_account(self, request: HttpRequest, opened: Open) -> Account:
        """The signed-in account, which began it. Raises SignOnRefused."""
        if not self.site.has_permission(request) or str(request.user.pk) != opened.account:
            raise SignOnRefused("sso.state", "Another account has signed in meanwhile.")
        return cast("Account", request.user)

    def _stranger(
        self, request: HttpRequest, refusal: SignOnRefused, opened: Open | None = None
    ) -> HttpResponse:
        """The page of a refusal of somebody who is not known, whom the audit log tells of."""
        if opened is None or opened.purpose != Purpose.TEST:
            by = Actor("somebody", address_of(request))
            domain = current_tenant().custom_domain
            guessing.note_sign_on("somebody", by, domain, refusal.reason, clock.now())
        return self._failed(request, refusal, opened)

    def _failed(
        self, request: HttpRequest, refusal: Refused, opened: Open | None = None
    ) -> HttpResponse:
        """The page of a refusal; of a test it shows all that is known."""
        log_with(request, refused=refusal.reason)
        if opened and opened.purpose == Purpose.TEST and self.site.has_permission(request):
            single_sign_on.note_test(
                actor(request), current_tenant(), opened.kind, refused=refusal.reason
            )
            facts = (
                Fact("Problem", str(refusal)),
                Fact("Found", getattr(refusal, "found", "") or None),
                *_remedy(refusal),
                Fact("Reason", refusal.reason),
            )
            return self._page(request, opened.kind, "The test failed", facts)
        found = getattr(refusal, "found", "") if refusal.reason in SIGNED else ""
        context = {"refusal": refusal, "found": found, "remedy": _ROWS.get(refusal.reason)}
        return self._shown(request, context, HTTPStatus.FORBIDDEN)

    def _busy(self, request: HttpRequest) -> HttpResponse:
        context = {"refusal": _BUSY, "found": "", "remedy": None}
        answer = self._shown(request, context, HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = "1"
        return answer

    def _shown(self, request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
        whole = {**self.site.each_context(request), "title": "Sign-in failed", **context}
        return TemplateResponse(request, "admin/sign_on_failed.html", whole, status=status)

    def _page(
        self, request: HttpRequest, kind: str, title: str, facts: tuple[Fact, ...]
    ) -> HttpResponse:
        screen = cast("IdentityProviderAdmin", self.site.get_model_admin(IdentityProvider))
        onward = link(_provider_path(kind), "Go to single sign-on")
        page = Page(title, (Facts("Answer of the identity provider", facts),), onward=onward)
        return screen.render(request, "console/record.html", {"page": page})


def _next_path(request: HttpRequest, opened: Open) -> str:
    host, is_secure = request.get_host(), request.is_secure()
    if url_has_allowed_host_and_scheme(opened.next_path, {host}, require_https=is_secure):
        return opened.next_path
    return reverse("admin:index")


def _provider_path(kind: str) -> str:
    key: UUID = IdentityProvider.objects.values_list("pk", flat=True).get(kind=kind)
    return record_path(IdentityProvider, key)


def _remedy(refusal: Refused) -> tuple[Fact, ...]:
    row = _ROWS.get(refusal.reason)
    return (Fact("What to do", row.remedy), Fact("Where", row.place)) if row else ()
