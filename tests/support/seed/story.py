"""The last six weeks of each tenant."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from accounts import actions
from accounts.actions import TokenRequest, single_sign_on
from accounts.actions.single_sign_on import OidcRequest
from accounts.models import Account, IdentityProvider
from accounts.permissions import Role
from accounts.sso.identity import Kind
from accounts.sso.oidc import WELL_KNOWN
from tenants import clock, lifecycle
from tenants.current import in_tenant
from tenants.models import Tenant
from tests.support import identity
from tests.support.payloads import ENTERPRISE, patch
from tests.support.people import COMMAND, PASSWORD
from tests.support.seed.accounts import ACME, COLLEAGUES, OTHERS, SUSPENDED
from tests.support.seed.directory import Directory
from tests.support.seed.job import CYCLE, Job
from tests.support.seed.traveling import Progress, Travel

WEEKS: Final = 6
DAYS: Final = 7 * WEEKS
_SATURDAY: Final = 5
_ENTRA: Final = "Microsoft Entra ID"


class Acme:
    """2,000 people, 30 groups; two weeks ago the token ran out, and two problems are open now."""

    def __init__(self, job: Job, start: datetime) -> None:
        self._job = job
        self._start = start
        self._chance = job.directory.chance
        self._failing: list[Callable[[], Any]] = []  # what Entra tries again in each cycle

    def run(
        self, people: int, until: datetime, renew: Callable[[], str], progress: Progress
    ) -> None:
        """Everything from the initial cycle to `until`, which is just after a cycle."""
        self._job.at(self._start)
        self._job.start(people, progress)
        moment = until
        cycles = []
        while moment > self._start + timedelta(hours=3):
            cycles.append(moment)
            moment -= CYCLE
        expired = self._start + timedelta(days=DAYS - 15, hours=2)
        renewed = expired + timedelta(hours=7)
        is_renewed = False
        unfixed = [(timedelta(hours=29), self._share_a_name), (timedelta(hours=5), self._lack_mail)]
        for moment in reversed(cycles):
            progress.tell(f"Acme Ltd: day {(moment - self._start).days + 1} of {DAYS}")
            self._job.at(moment)
            if expired < moment < renewed:
                self._job.test_connection()  # 401; Entra goes no further
                continue
            if moment >= renewed and not is_renewed:
                is_renewed = True
                self._job.use(renew())
            self._cycle(moment)
            while unfixed and moment >= until - unfixed[0][0]:
                self._repeat(unfixed.pop(0)[1](), until + CYCLE)

    def _cycle(self, moment: datetime) -> None:
        self._job.test_connection()
        for retry in list(self._failing):
            retry()
        at_work = moment.weekday() < _SATURDAY and 6 <= moment.hour < 17
        for number in range(self._chance.choice((0, 1, 2, 3)) if at_work else 0):
            self._job.at(moment + timedelta(seconds=2 * number + 1))
            self._event()
        if at_work and self._chance.random() < 0.05:
            self._mistake(moment)

    def _event(self) -> None:
        job, chance = self._job, self._chance
        someone = job.anybody()
        [kind] = chance.choices(
            ("hire", "move", "join", "leave", "disable", "delete"), (5, 8, 4, 3, 2, 1)
        )
        group = chance.choice(list(job.groups))
        match kind:
            case "hire":
                job.add(job.directory.hire())
            case "move":
                job.change(someone)
            case "join":
                job.join(group, [someone])
            case "leave":
                job.leave(group, someone)
            case "disable":
                job.enable(someone, active=False)
            case _:
                job.delete(someone)

    def _mistake(self, moment: datetime) -> None:
        """A request that is refused, and again in each cycle until somebody fixes its cause."""
        job, chance = self._job, self._chance
        gone = job.directory.new_id()
        wrong_type = patch({"op": "Replace", "path": f"{ENTERPRISE}:division", "value": {"a": 1}})
        unknown_path = patch({"op": "Add", "path": "emails[type eq work].value", "value": "x"})
        title = patch({"op": "Replace", "path": "title", "value": "x"})
        kinds: tuple[tuple[Callable[[], Any], int], ...] = (
            (self._share_a_name(), 5),
            (self._lack_mail(), 4),
            (lambda: job.send_patch(gone, title), 3),
            (lambda: job.send_patch(job.anybody(), wrong_type), 1),
            (lambda: job.send_patch(job.anybody(), unknown_path), 1),
        )
        [kind] = chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])
        self._repeat(kind, moment + timedelta(hours=chance.choice((2, 6, 20, 44))))

    def _share_a_name(self) -> Callable[[], Any]:
        """Somebody new who has the user name of another person."""
        person, other = self._job.directory.hire(), self._job.people[self._job.anybody()]
        return lambda: self._job.add(person, userName=other.user_name)

    def _lack_mail(self) -> Callable[[], Any]:
        """Somebody new without a mailbox."""
        person = self._job.directory.hire()
        return lambda: self._job.add(person, emails=None)

    def _repeat(self, kind: Callable[[], Any], until: datetime) -> None:
        def attempt() -> None:
            kind()
            if clock.now() > until:
                self._failing.remove(attempt)

        self._failing.append(attempt)
        attempt()


def add_tenant(custom_domain: str, name: str, admin: str) -> Tenant:
    """A new tenant whose admin can sign in."""
    tenant = actions.create_tenant(COMMAND, custom_domain, name, admin)
    actions.set_password(COMMAND, tenant, admin, PASSWORD)
    return tenant


def mint(tenant: Tenant, days: int = 365, label: str = _ENTRA) -> str:
    """The value of a new secret token of the tenant's first admin."""
    with in_tenant(tenant):
        admin = Account.objects.filter(role=Role.ADMIN).order_by("created_at", "pk").first()
    assert admin is not None
    return actions.mint_token(COMMAND, tenant, TokenRequest(label, admin.email, days)).value


def set_up_single_sign_on(tenant: Tenant, now: datetime) -> None:
    """Both protocols, saved and neither tested nor enabled: there is no such directory at Microsoft.

    The documents are there as if the worker had read them, and it does not ask for them.
    """
    entra = f"https://login.microsoftonline.com/{identity.DIRECTORY}"
    request = OidcRequest(
        f"{entra}/v2.0{WELL_KNOWN}",
        identity.CLIENT_ID,
        identity.CLIENT_SECRET,
        (now + timedelta(days=150)).date(),
    )
    single_sign_on.set_up_oidc(COMMAND, tenant, request)
    documents = {
        "issuer": f"{entra}/v2.0",
        "authorization_endpoint": f"{entra}/oauth2/v2.0/authorize",
        "token_endpoint": f"{entra}/oauth2/v2.0/token",
        "jwks_uri": f"{entra}/discovery/v2.0/keys",
        **identity.key_set(),
    }
    with in_tenant(tenant):
        read = IdentityProvider.objects.filter(kind=Kind.OIDC)
        read.update(documents=documents, read_at=clock.now())
    lifecycle.set_identity_due(tenant, None)
    until = (now + timedelta(days=700)).replace(microsecond=0)
    issuer = f"https://sts.windows.net/{identity.DIRECTORY}/"
    metadata = identity.metadata(f"{entra}/saml2", issuer, until=until)
    single_sign_on.set_up_saml(COMMAND, tenant, metadata)


def tell_acme(people: int, now: datetime, travel: Travel, progress: Progress) -> None:
    """The big tenant, whose last cycle was three minutes ago."""
    start = (now - timedelta(days=DAYS)).replace(hour=7, minute=5, second=0, microsecond=0)
    travel.move_to(start - timedelta(days=1))
    tenant = add_tenant(*ACME)
    for email, name, role in COLLEAGUES:
        actions.create_account(COMMAND, tenant, email, name, role)
        actions.set_password(COMMAND, tenant, email, PASSWORD)
    set_up_single_sign_on(tenant, now)
    first = mint(tenant, DAYS - 14)
    mint(tenant, DAYS + 8, "Directory export")

    job = Job(tenant, first, Directory("acme.example", 4), travel)
    Acme(job, start).run(people, now - timedelta(minutes=3), lambda: mint(tenant), progress)


def tell_others(now: datetime, travel: Travel, progress: Progress) -> None:
    """Small tenants: silent for days, never connected, refused, suspended."""
    for number, (custom_domain, name, admin) in enumerate(OTHERS):
        travel.move_to(now - timedelta(days=30 - number, hours=number))
        tenant = add_tenant(custom_domain, name, admin)
        value = mint(tenant)
        directory = Directory(f"{custom_domain}.example", 10 + number)
        job = Job(tenant, value, directory, travel)
        if custom_domain == "initech":
            continue  # minted and never used
        job.start(25 * (number + 1), progress)
        last = {"globex": 75, "hooli": 1, "vandelay": 200}[custom_domain]
        _live_quietly(job, now - timedelta(hours=last), custom_domain == "hooli")
        if custom_domain == SUSPENDED:
            travel.move_to(now - timedelta(days=8))
            actions.suspend_tenant(COMMAND, tenant)


def _live_quietly(job: Job, until: datetime, is_refused_at_last: bool) -> None:  # noqa: FBT001
    """A few cycles a day until then; those of the last day are refused, if so."""
    moment = until - timedelta(days=5)
    while moment <= until:
        job.at(moment)
        if is_refused_at_last and until - moment < timedelta(days=1):
            job.use("mypscim_" + "0" * 8)
        if job.test_connection().status == 200:
            job.change(job.anybody())
        moment += timedelta(hours=4)
