"""`manage.py up`: everything for the main job on this machine, from nothing to serving."""

import errno
import logging
import os
import secrets
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from ipaddress import ip_address
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts import actions, approvals
from accounts.models import Account, SecretToken
from accounts.permissions import Role
from config import environment
from config.management.commands.migrate import NodesAwayError
from config.server import embedded, serving
from tenants import logins, placement
from tenants.current import in_public, in_tenant
from tenants.management.kit import HouseCommand
from tenants.models import Tenant

DEMO: Final = "demo0-qa"  # the tutorial's own example
TOKEN_LABEL: Final = "make run"  # noqa: S105  # a label
TOKEN_DAYS: Final = 1
_STARTING: Final = 76_437_644  # names the lock that starting processes share

_logger: Final = logging.getLogger(__name__)
# The nodes of the database that do not answer, each with the schemas on it (tenants.placement).
Down = Mapping[str, frozenset[str]]


class Command(HouseCommand):
    help = (
        "Migrate, make the staff tenant and a demo tenant at the first start, mint a secret token,"
        " serve on BIND and PORT, and deliver events until Ctrl-C."
    )
    examples = ("manage.py up", "PORT=8100 manage.py up")

    def handle(self, *args: Any, **options: Any) -> None:
        check_port_is_free(settings.BIND, settings.PORT)
        with ExitStack() as stack:
            with self._waiting("Starting PostgreSQL"):
                stack.enter_context(embedded.server_running())
            with self._waiting("Bringing the database up to date"):
                lines = prepare()
            keep_running = stack.enter_context(serving.jobs_running())
            serving.serve(lambda: self._print(lines), keep_running)

    def _waiting(self, what: str) -> AbstractContextManager[None]:
        """Say that the start lasts, at a terminal: else log lines are all that standard error gets."""
        return self.waiting(what) if self.stderr.isatty() else nullcontext()

    def _print(self, lines: list[str]) -> None:
        """Write at once: each worker would write the rest of a buffer again."""
        self.stdout.write("\n".join(lines), ending="\n\n")
        self.stdout.flush()


def prepare() -> list[str]:
    """The lines for the person at the terminal; brings the database up to date before."""
    actor = actions.Actor.command()
    with one_at_a_time():
        down = migrate()
        try:
            sign_in = make_staff(actor)
            demo = demo_lines(actor, down)
        except actions.ActionRefused as error:
            raise CommandError(str(error)) from error
    return [*sign_in, *down_lines(down), *demo]


def migrate() -> Down:
    """Migrate all tenants but those on nodes that do not answer, which are returned."""
    with suppress(NodesAwayError):
        call_command("migrate", verbosity=0)
    with in_public():
        down = placement.down()
    for node, on in down.items():
        extra = {"node": node, "tenants": len(on)}
        _logger.warning("A node of the database does not answer: its tenants wait.", extra=extra)
    return down


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Of two first starts on one database the second finds what the first has made."""
    own = connection.copy()
    own.set_autocommit(False)
    try:
        with (
            own.cursor() as cursor
        ):  # until its transaction ends: a pooler may give the session away
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_STARTING])
        yield
    finally:
        own.close()
        connection.close()  # must not be shared with workers


def check_port_is_free(address: str, port: int) -> None:
    """Raise CommandError if something listens there already."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = f"Port {port} cannot be had: in use. Choose another: PORT=8100 make run"
        else:
            why = os.strerror(error.errno or 0)
            advice = f"{address} port {port} cannot be had: {why}. Change BIND or PORT."
        raise CommandError(advice) from error


def reached_at(bind: str) -> str:
    """The address at which this machine reaches what listens on `bind`, which may stand for all."""
    address = ip_address(bind)
    if not address.is_unspecified:
        return bind
    return "127.0.0.1" if address.version == 4 else "::1"


def make_staff(actor: actions.Actor) -> list[str]:
    """The lines that say where and how staff sign in; makes the first staff account if there is none."""
    site = Tenant(custom_domain="admin").base_url + "/admin/"
    lines = ["", f"  Staff site     {site}"]
    with in_public():
        operator = Tenant.objects.filter(is_operator=True).first()
    if operator is not None:
        with in_tenant(operator):
            staff = Account.objects.order_by("created_at", "pk")
            first = staff.filter(role=Role.OPERATOR).first() or staff.first()
        if first is not None:
            reset = f".venv/bin/python manage.py account set-password admin {first.email}"
            return [*lines, f"  Sign in as     {first.email}  (a new password: {reset})"]
    email = environment.text("STAFF_EMAIL", f"staff@{settings.BASE_DOMAIN}")
    given = environment.text("STAFF_PASSWORD")
    password = given or secrets.token_urlsafe(15)
    actions.create_staff(actor, email, password)
    shown = "STAFF_PASSWORD, as given" if given else f"{password}  (shown this once)"
    return [*lines, f"  Sign in as     {email}", f"  Password       {shown}"]


def demo_lines(actor: actions.Actor, down: Down) -> list[str]:
    """The lines about the demo tenant, which is made at the first start; without it while its node is away."""
    with in_public():
        tenant = Tenant.objects.filter(custom_domain=DEMO).first()
    if tenant is None and down:
        return ["  Demo tenant    is created at the next start, once all nodes answer."]
    if tenant is None:
        with logins.as_owner():  # on Citus the login that serves creates none
            tenant = actions.create_tenant(actor, DEMO, "Demo", f"admin@{DEMO}.example")
    if any(tenant.schema_name in on for on in down.values()):
        return [f"  Tenant URL     {tenant.tenant_url}  (its node does not answer)"]
    return connection_lines(tenant, mint(actor, tenant))


def down_lines(down: Down) -> list[str]:
    """The nodes of the database that do not answer, each with the number of its tenants."""
    return [
        f"  Not answering  the node {node} of the database (tenants on it: {len(on):,})"
        for node, on in down.items()
    ]


def mint(actor: actions.Actor, tenant: Tenant) -> str:
    """A fresh secret token of the demo tenant; the one that was printed before is revoked.

    Blank while a second person has to approve tokens.
    """
    with in_tenant(tenant):
        if approvals.are_required():
            return ""
        former = list(SecretToken.objects.filter(label=TOKEN_LABEL, revoked_at=None))
        admins = Account.objects.filter(role=Role.ADMIN, is_active=True)
        admin = admins.order_by("created_at", "pk").first()
    if admin is None:
        raise CommandError(f"The tenant {DEMO} has no active admin.")
    for token in former:
        actions.revoke_token(actor, tenant, token.id)
    request = actions.TokenRequest(TOKEN_LABEL, admin.id, days=TOKEN_DAYS)
    return actions.mint_token(actor, tenant, request).value


def connection_lines(tenant: Tenant, token: str) -> list[str]:
    """The values that Entra asks for, and a command that shows that they work."""
    if not token:
        return [f"  Tenant URL     {tenant.tenant_url}", "  Secret tokens need approval here."]
    address = environment.bracketed(reached_at(settings.BIND))
    command = [
        "curl",
        "-sS",
        "--resolve",
        f"{tenant.host}:{settings.PORT}:{address}",  # for a curl that does not know *.localhost
        "-H",
        f"Authorization: Bearer {token}",
        f"{tenant.tenant_url}/Users?count=1",
    ]
    return [
        f"  Tenant URL     {tenant.tenant_url}",
        f"  Secret Token   {token}  (for {TOKEN_DAYS} day; the one before is revoked)",
        "",
        f"  {shlex.join(command)}",
    ]
