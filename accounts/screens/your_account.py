"""Your account: the page of whoever is signed in, on their own site, and what they can do there."""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts import sessions
from accounts.actions.own import end_other_sessions
from accounts.console.action import Action, Call, said
from accounts.console.page import Button, Fact, Facts, Page, Section, Table, badge
from accounts.console.site import Part
from accounts.console.view import answer
from accounts.models import Account, Session
from accounts.permissions import OWN_ACCOUNT
from accounts.signed_in import may
from tenants.current import current_tenant

PAGE: Final = "admin:your_account"


def _end_others(call: Call[Account]) -> int:
    key = call.request.session.session_key or ""
    return end_other_sessions(call.actor, current_tenant(), call.record, key)


def _has_others(call: Call[Account]) -> bool:
    return sessions.of_account(call.record.pk).count() > 1


_ACTIONS: Final[tuple[Action[Any], ...]] = (
    Action(
        name="end_others",
        label="Sign out other browsers",
        permission=OWN_ACCOUNT,
        title="Sign out of all other browsers?",
        text="You stay signed in here.",
        submit="Sign out the others",
        run=_end_others,
        done="You are signed out of all other browsers.",
        is_offered=_has_others,
    ),
)


class YourAccount(Part):
    """The page and its actions; a screen whose only row is the account that is signed in."""

    action_table = _ACTIONS

    def urls(self) -> Sequence[URLPattern]:
        """The page and a page for each action."""
        view = self.site.admin_view
        name = PAGE.removeprefix("admin:")
        actions = [
            path(
                f"you/{each.name.replace('_', '-')}/",
                view(self._view_of(each)),
                name=f"{name}_{each.name}",
            )
            for each in self.action_table
        ]
        return [path("you/", view(self._page), name=name), *actions]

    def get_record(self, request: HttpRequest, object_id: str | UUID) -> Account:
        """The account that is signed in. Raises Http404."""
        account = cast("Account", request.user)
        if str(account.pk) != str(object_id):
            raise Http404
        return account

    def list_path(self) -> str:
        """The path of the site's first page."""
        return reverse("admin:index")

    def record_path(self, _record_pk: Any) -> str:
        """The path of the page."""
        return reverse(PAGE)

    def render(
        self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200
    ) -> HttpResponse:
        """A page in the frame of the site."""
        request.current_app = self.site.name
        page = context.get("page")
        whole = {**self.site.each_context(request), "title": page.title if page else "", **context}
        return TemplateResponse(request, template, whole, status=status)

    def _page(self, request: HttpRequest) -> HttpResponse:
        account = cast("Account", request.user)
        page = Page(
            "Your account",
            (_facts(account), _sessions(account, request.session.session_key)),
            buttons=self._buttons(request),
        )
        return self.render(request, "console/record.html", {"page": page})

    def _buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        call = Call(request, cast("Account", request.user))
        return (
            Button("Change password", reverse("admin:password_change")),
            *(
                Button(said(each.label, call), reverse(f"{PAGE}_{each.name}"), each.is_dangerous)
                for each in self.action_table
                if may(request, said(each.permission, call)) and each.is_offered(call)
            ),
        )

    def _view_of(self, action: Action[Any]) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest) -> HttpResponse:
            return answer(self, action, request, cast("UUID", request.user.pk))

        return view


def _facts(account: Account) -> Section:
    return Facts(
        "Account",
        (
            Fact("E-mail address", account.email),
            Fact("Name", account.name or None),
            Fact("Role", account.get_role_display()),
        ),
    )


def _sessions(account: Account, own: str | None) -> Section:
    rows = tuple(_row(each, is_own=each.pk == own) for each in sessions.of_account(account.pk))
    headings = ("Signed in", "Last seen", "Address", "Browser", "")
    return Table("Where you are signed in", headings, rows, "Nowhere.")


def _row(session: Session, *, is_own: bool) -> tuple[Any, ...]:
    here = badge("ok", "This browser") if is_own else ""
    return (session.signed_in_at, session.seen_at, session.address, session.user_agent, here)
