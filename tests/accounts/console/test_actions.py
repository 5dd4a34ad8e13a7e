"""The tables of actions of both sites: every row can be reached, is permitted to somebody, and is one."""

from dataclasses import replace
from itertools import chain

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.urls import reverse

from accounts.console import view
from accounts.models import Account
from accounts.permissions import GRANTS, grants
from config import urls_staff, urls_tenant
from config.sites import staff_site, tenant_site
from tenants.current import in_tenant

SITES = ((staff_site, urls_staff.__name__), (tenant_site, urls_tenant.__name__))


def screens(site):
    return list(site._registry.values())


ROWS = [
    pytest.param(screen, action, urlconf, id=f"{screen.opts.model_name}-{action.name}")
    for site, urlconf in SITES
    for screen in screens(site)
    for action in screen.actions_of_screen()
]


@pytest.mark.parametrize(("screen", "action", "urlconf"), ROWS)
def test_an_action_has_a_url_of_its_name(screen, action, urlconf):
    key = "0190d0a4-7a4c-7000-8000-000000000000"
    args = [key] if action.is_about_a_row else []

    path = reverse(screen.url_name(action.name), urlconf=urlconf, args=args)

    assert path.startswith(reverse(screen.url_name("changelist"), urlconf=urlconf))


@pytest.mark.parametrize(("screen", "action", "urlconf"), ROWS)
def test_some_role_includes_an_action(screen, action, urlconf):
    granted = set(chain.from_iterable(GRANTS.values()))

    assert callable(action.permission) or action.permission in granted


def is_let_in(role, screen, action, tenant, method):
    """True if the role comes past the permission, to the question for a proof, where it ends here."""
    asked = replace(action, find=lambda _key: None, needs_proof=True)
    request = getattr(RequestFactory(), method)("/admin/")
    request.tenant, request.session, request.user = tenant, {}, Account(role=role)
    request._messages = CookieStorage(request)
    try:
        with in_tenant(tenant):
            answer = view.answer(screen, asked, request, None)
    except PermissionDenied:
        return False
    assert answer.status_code == 302
    return True


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_role_comes_to_the_actions_of_its_permissions_and_to_no_other(method, acme):
    """Through the one view of all actions; those whose permission follows from the row are on pages."""
    rows = [row.values[:2] for row in ROWS if not callable(row.values[1].permission)]
    assert len(rows) > 60

    let_in = {
        (screen.opts.model_name, action.name, role): is_let_in(role, screen, action, acme, method)
        for screen, action in rows
        for role in (*GRANTS, "nobody")
    }

    assert let_in == {
        (screen.opts.model_name, action.name, role): action.permission in grants(role)
        for screen, action in rows
        for role in (*GRANTS, "nobody")
    }
    assert {True, False} == set(let_in.values())


def test_no_screen_has_two_actions_of_one_name():
    for site, _ in SITES:
        for screen in screens(site):
            names = [action.name for action in screen.actions_of_screen()]
            assert len(names) == len(set(names)), screen


def test_an_action_without_a_button_says_where_it_is_reached():
    """`export` has a link of its own; `end_secret` stands in the table of secrets."""
    silent = {row.values[1].name for row in ROWS if not row.values[1].label}

    assert silent == {"export", "end_secret"}


def test_every_action_asks_for_a_recent_proof_but_those_that_are_named():
    """An action that is added has to be thought about."""
    assert {row.id for row in ROWS if not row.values[1].needs_proof} == {
        "tenant-view_as_admin",  # takes rights away, for a reason
        "mail-retry",
        "mail-again",
        "problem-mute",
        "problem-unmute",
        "provisioningevent-dry_run",  # changes nothing
        "reconciliation-add",  # changes nobody
        "reconciliation-delete_report",
        "eventstream-pause",
        "eventstream-resume",
    }
