"""The pages of signing in: a password, then the second factor of accounts that have one; or a passkey alone."""

from typing import Any, Final, cast

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import passkeys, signing_in
from accounts.models import Account
from accounts.signing_in import SignInRefused
from tenants.current import current_tenant, log_with

_WRONG: Final = "This code does not work. Each one is good once: wait for the next."
_NO_PASSKEY: Final = "The passkey was not accepted. Try again, or type a code."
_NOT_ALONE: Final = (
    "Sign-in failed. The passkey has to be one of this site, and its device has to check its PIN, your"
    " fingerprint or your face. Try again, or sign in with your password."
)


class LoginForm(AdminAuthenticationForm):
    """Asks for e-mail address and password; a refusal does not say which of them is wrong."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": (
            "Sign-in failed. Check the e-mail address and the password, and that this is the"
            " right site for your account; then try again."
        ),
        "inactive": (
            "Sign-in failed. Check the e-mail address and the password, and that this is the"
            " right site for your account; then try again."
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail address"
        self.refused: SignInRefused | None = None

    def clean(self) -> dict[str, Any]:
        """Prove the password; a sign-in that is refused says so above the form."""
        email, password = (self.cleaned_data.get(name) for name in ("username", "password"))
        if self.request and email and password:
            try:
                account = signing_in.prove_password(self.request, email, password)
            except SignInRefused as refusal:
                self.refused = refusal
                raise ValidationError(str(refusal)) from refusal
            if account is None:
                raise self.get_invalid_login_error()
            self.user_cache: Any = account
        return self.cleaned_data


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=20,
        label_suffix="",
        help_text="The 6 digits that the app shows, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True}),
    )


class ProofForm(forms.Form):
    """A passkey's answer, which a script fills in."""

    credential = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, options: str = "", is_at_once: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        asks = {"data-passkey": "get", "data-options": options}
        if is_at_once:
            asks["data-at-once"] = ""
        self.fields["credential"].widget.attrs.update(asks)


def passkey_form(request: HttpRequest, account: Account) -> ProofForm | None:
    """The form that asks for a passkey of the account; None without one."""
    options = passkeys.proof_options(request, current_tenant(), account)
    return ProofForm(options=options, auto_id="passkey_%s") if options else None


class SignInView(LoginView):
    """The first page; what follows when the password is right is accounts.signing_in's to say."""

    template_name = "admin/login.html"
    authentication_form = LoginForm

    def form_valid(self, form: Any) -> HttpResponse:
        way_on = signing_in.password_proved(self.request, form.get_user(), self.get_success_url())
        return HttpResponseRedirect(way_on)

    def form_invalid(self, form: Any) -> HttpResponse:
        answer = super().form_invalid(form)
        return refuse(self.request, answer, form.refused) if form.refused else answer


def sign_in_page(site: AdminSite, request: HttpRequest, extra: dict[str, Any]) -> HttpResponse:
    """The first page of signing in; whoever is signed in already goes on to the site."""
    if request.method == "GET" and site.has_permission(request):
        return HttpResponseRedirect(reverse("admin:index"))
    context = {
        **site.each_context(request),
        "title": "Sign in",
        "subtitle": None,
        "app_path": request.get_full_path(),
        "username": request.user.get_username(),
        **extra,
    }
    request.current_app = site.name
    view = SignInView.as_view(extra_context=context, next_page=reverse("admin:index"))
    return cast("HttpResponse", view(request))  # it streams nothing


def second_factor_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The second page: a code, then on to where the first one was to lead."""
    half = signing_in.half_signed_in(request)
    if half is None:
        return HttpResponseRedirect(reverse("admin:login"))
    sent, problem = request.POST.get("credential"), ""
    form, refused = CodeForm(None if sent is not None else request.POST or None), None
    if request.method == "POST" and (sent is not None or form.is_valid()):
        try:
            method = (
                signing_in.prove_code(request, half.account, form.cleaned_data["code"])
                if sent is None
                else signing_in.prove_passkey(request, half.account, sent)
            )
        except SignInRefused as refusal:
            refused, problem = refusal, str(refusal)
        else:
            if method:
                signing_in.complete(request, half.account, method)
                return HttpResponseRedirect(half.way_on)
            problem = _WRONG if sent is None else _NO_PASSKEY
    context = {**site.each_context(request), "title": "Second factor", "form": form, "half": half}
    context |= {"problem": problem, "passkey": passkey_form(request, half.account)}
    answer = TemplateResponse(request, "admin/second_factor.html", context)
    return refuse(request, answer, refused) if refused else answer


def passkey_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The other first page: a passkey alone, whose device has checked its user."""
    if request.method != "POST" and site.has_permission(request):
        return HttpResponseRedirect(way_on(request))
    form, problem, refused = None, "", None
    try:
        if request.method == "POST":
            sent = request.POST.get("credential", "")
            account = signing_in.prove_passkey_alone(request, sent)
            if account:
                signing_in.complete(request, account, passkeys.ALONE)
                return HttpResponseRedirect(way_on(request))
            problem = _NOT_ALONE
        signing_in.check_options(request)
        options = passkeys.sign_in_options(request, current_tenant())
        form = ProofForm(options=options, is_at_once=not problem, auto_id="passkey_%s")
    except SignInRefused as refusal:
        refused, problem = refusal, str(refusal)
    context = {**site.each_context(request), "title": "Sign in with a passkey", "passkey": form}
    context |= {"problem": problem, "next": request.GET.get("next", "")}
    answer = TemplateResponse(request, "admin/passkey_sign_in.html", context)
    return refuse(request, answer, refused) if refused else answer


def way_on(request: HttpRequest) -> str:
    """The path of this host that the parameter `next` names; without one, that of the first page."""
    asked = request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return asked if is_safe and asked.startswith("/") else reverse("admin:index")


def refuse(request: HttpRequest, answer: HttpResponse, refusal: SignInRefused) -> HttpResponse:
    """The answer as that of an attempt that is not even tried."""
    log_with(request, refused=refusal.reason)
    answer.status_code = refusal.status
    if refusal.seconds is not None:
        answer.headers["Retry-After"] = str(refusal.seconds)
    return answer
