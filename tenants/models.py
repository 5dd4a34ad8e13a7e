"""The registry, the only tables in the schema `public`: tenants, their further host names, and
what staff must know of all tenants at once.

A tenant's own host needs no row: it is `<custom domain>.<BASE_DOMAIN>`, so changing BASE_DOMAIN
moves every tenant at once and nothing can drift.
"""

import uuid
from collections.abc import Mapping
from typing import Final, NoReturn

from django.conf import settings
from django.db import models
from django.db.models.functions import Right
from django_tenants.models import DomainMixin, TenantMixin

from tenants import clock
from tenants.words import counted

# The end of a credential's name: its public id in parentheses. Staff find it by that.
CREDENTIAL_TAIL: Final = 10


class Status(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class Tenant(TenantMixin):  # type: ignore[misc]  # django-tenants ships no types
    """One customer, or staff (`is_operator`, schema `support`): a schema reached by host name."""

    auto_create_schema = False  # tenants.lifecycle makes it, in the transaction of the row
    # Of the row that was read, where a host was resolved (tenants.resolution); another one after a
    # change of the tenant, its hosts or its guard.
    revision: str | None = None

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    custom_domain = models.CharField(max_length=63, unique=True)
    # Derived from the custom domain (tenants.hostnames.schema_name), never from a request.
    schema_name = models.CharField(max_length=41, unique=True, editable=False)
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    is_operator = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # Another one each time the tenant's own SCIM schemas change, None while it has none: it travels
    # with the host's entry in memory, so no request asks whether they did (decision 0017).
    schemas_revision = models.UUIDField(null=True, editable=False)
    # True while the tenant has an event stream to send on, so that the worker asks only such tenants.
    sends_events = models.BooleanField(default=False, db_default=False, editable=False)
    # When the worker reads the documents of the tenant's identity provider next; None: it has none.
    identity_due_at = models.DateTimeField(null=True, editable=False)
    # The digest of its picture, in the address where its own host serves it (accounts.screens.logos).
    logo = models.CharField(max_length=16, default="", db_default="", blank=True, editable=False)
    # Of a suspended tenant that is to be deleted: not before; None: never.
    delete_after = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["custom_domain"]

    def __str__(self) -> str:
        return self.name

    def _check_schema_name_is_unique(self) -> None:
        """Nothing: django-tenants asks before it writes; here the unique constraint says it."""

    def __enter__(self) -> NoReturn:
        """Refuse: django-tenants keeps the former tenant of `with tenant:` in a list of all threads.

        Two threads then leave into each other's tenant (docs/platform.md).
        """
        raise TypeError("Enter a tenant with tenants.current.in_tenant(tenant).")

    @property
    def is_suspended(self) -> bool:
        return self.status == Status.SUSPENDED

    @property
    def host(self) -> str:
        """The tenant's own host name, without a port."""
        return f"{self.custom_domain}.{settings.BASE_DOMAIN}"

    @property
    def base_url(self) -> str:
        """Scheme, host and, in development, port; never taken from a request (docs/security.md)."""
        return f"{settings.PUBLIC_SCHEME}://{self.host}{settings.PUBLIC_PORT_SUFFIX}"

    @property
    def tenant_url(self) -> str:
        """The tutorial's Tenant URL (step 5)."""
        return f"{self.base_url}/scim"

    @property
    def token_endpoint(self) -> str:
        """The URL where the tenant's OAuth clients get access tokens (RFC 6749 §3.2)."""
        return f"{self.tenant_url}/oauth/token"


class Domain(DomainMixin):  # type: ignore[misc]  # django-tenants ships no types
    """A further host name that serves a tenant, lower-cased, without a port."""

    class Meta:
        ordering = ["domain"]


class Reach(models.TextChoices):
    """The requests that a failure affects; refusals of single ones are problems."""

    ALL = "all", "Every request"
    CREDENTIAL = "credential", "Every request with this credential"


class Traffic(models.Model):
    """The latest provisioning traffic of a tenant (tenants.traffic); no personal data.

    There is a row from the first request on; tenants.connectivity interprets it.
    """

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="traffic")
    # The four of requests with a good token; a change is a request that may change something.
    first_request_at = models.DateTimeField(null=True)
    last_request_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_change_at = models.DateTimeField(null=True)  # of those that succeeded
    # Of failures that no credential of the tenant's had: CredentialTraffic has the others.
    failed_at = models.DateTimeField(null=True)
    failed_reach = models.CharField(max_length=10, choices=Reach, blank=True)
    failed_reason = models.CharField(max_length=40, blank=True)  # a row's id (scim.refusals)
    failed_request_id = models.CharField(max_length=64, blank=True)  # of the provisioning log
    # Requests that know no token of the tenant: anybody may send them.
    stranger_at = models.DateTimeField(null=True)
    stranger_reason = models.CharField(max_length=40, blank=True)
    marks = models.JSONField(default=dict)  # what was seen in bodies -> ISO time of the last one

    class Meta:
        verbose_name_plural = "traffic"

    def __str__(self) -> str:
        return f"traffic of {self.tenant_id}"


class CredentialTraffic(models.Model):
    """The latest traffic of a secret token or of an OAuth client.

    The key is the credential's; it was known when the request came, which does not make it good.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="credentials")
    name = models.CharField(max_length=140)  # its kind, label and public id, to stand in a sentence
    last_request_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    last_change_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failed_reach = models.CharField(max_length=10, choices=Reach, blank=True)
    failed_reason = models.CharField(max_length=40, blank=True)
    failed_request_id = models.CharField(max_length=64, blank=True)
    failed_user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "credential traffic"
        indexes = [models.Index(Right("name", CREDENTIAL_TAIL), name="tenants_credential_tail")]

    def __str__(self) -> str:
        return f"traffic of the {self.name}"


class TrafficDay(models.Model):
    """The number of a tenant's requests on a day (UTC), and their results."""

    pk = models.CompositePrimaryKey("tenant_id", "day")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="days", db_index=False)
    day = models.DateField(db_index=True)
    requests = models.PositiveBigIntegerField(default=0)
    failures = models.PositiveBigIntegerField(default=0)  # of these, strangers included
    departures = models.PositiveBigIntegerField(default=0)  # users deactivated or deleted

    def __str__(self) -> str:
        return f"{self.day}: {self.requests}"


class Expiry(models.Model):
    """The end of a tenant's credential, and the warnings that were sent of it.

    A copy of what the tenant's schema says (accounts.expiries keeps it), so that all tenants can be
    looked at in one query; the key is the credential's.
    """

    class Kind(models.TextChoices):
        TOKEN = "token", "Secret token"
        SECRET = "secret", "Client secret"
        SAML = "saml", "Signing certificate"  # of the identity provider
        OIDC = "oidc", "Single sign-on secret"  # at the identity provider

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="expiries")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=120)  # label and public id
    expires_at = models.DateTimeField(db_index=True)
    warned_for = models.DateTimeField(null=True)  # the moment of expiry that was announced last
    warned_days = models.PositiveSmallIntegerField(null=True)  # how many days before it

    class Meta:
        verbose_name_plural = "expiries"
        indexes = [models.Index(Right("name", CREDENTIAL_TAIL), name="tenants_expiry_tail")]

    def __str__(self) -> str:
        return f"{self.name} until {self.expires_at}"

    @property
    def screen(self) -> str:
        """The name of the URL of the tenant's screen where it is replaced."""
        return f"admin:accounts_{_REPLACED_AT[self.kind]}_changelist"


_REPLACED_AT: Mapping[str, str] = {
    Expiry.Kind.TOKEN: "secrettoken",
    Expiry.Kind.SECRET: "oauthclient",
    Expiry.Kind.SAML: "identityprovider",
    Expiry.Kind.OIDC: "identityprovider",
}


class Guard(models.Model):
    """The departures within an hour that raise an alarm; the defaults without a row."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="guard")
    share_percent = models.PositiveSmallIntegerField(default=30)  # of the active users
    least = models.PositiveIntegerField(default=20)  # users
    holds = models.BooleanField(default=False)  # further departures wait while an alarm is new
    # The end of the last alarm's grace. It travels with the host's entry in memory, so no request
    # asks for an alarm in a tenant that has had none (decision 0022).
    alarm_until = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"{self.share_percent} %, at least {self.least}"


class Alarm(models.Model):
    """Unusually many users of a tenant left within an hour; at most one a tenant is open."""

    class Outcome(models.TextChoices):
        OPEN = "open", "Open"
        PASSED = "passed", "Let pass"
        UNDOING = "undoing", "Being undone"  # by the worker (scim.guard.undoing)
        UNDONE = "undone", "Undone"
        LAPSED = "lapsed", "Lapsed"  # nobody looked within the grace; it can still be undone

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="alarms")
    since = models.DateTimeField()  # the first of the departures
    noticed_at = models.DateTimeField()
    users = models.PositiveIntegerField()  # who left so far
    active_before = models.PositiveIntegerField()
    refused = models.PositiveIntegerField(default=0)  # requests that were held
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-noticed_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="tenants_alarm_one_open",
                fields=["tenant"],
                condition=models.Q(outcome="open"),
            ),
        ]
        verbose_name = "mass deactivation"

    def __str__(self) -> str:
        return f"{self.users:,} of {counted(self.active_before, 'user')}"


class Retention(models.Model):
    """The ages at which a tenant's log and history are pruned, and how far that is (scim.keeping).

    The defaults without a row.
    """

    tenant = models.OneToOneField(
        Tenant, models.CASCADE, primary_key=True, related_name="retention"
    )
    changes_months = models.PositiveSmallIntegerField(default=13)  # requests that change, history
    reads_days = models.PositiveSmallIntegerField(default=30)  # other requests, and all bodies
    # Deleted users, after which their personal data are erased; None: when somebody asks for it.
    erase_after_days = models.PositiveSmallIntegerField(null=True)
    # Of a run that is going on: its beginning, from which the ages count, and the ids of the log
    # before which it is done. The ids stay for the next run, which goes on from there.
    started_at = models.DateTimeField(null=True, editable=False)
    reads_reached = models.UUIDField(null=True, editable=False)
    changes_reached = models.UUIDField(null=True, editable=False)
    removed = models.JSONField(default=dict, editable=False)  # rows so far, by what they were
    pruned_at = models.DateTimeField(null=True, editable=False)  # the beginning of the last run

    def __str__(self) -> str:
        return f"{counted(self.changes_months, 'month')}, {counted(self.reads_days, 'day')}"


class LegalHold(models.Model):
    """Nothing of a tenant, or of one of its users, is pruned or erased until it is lifted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="holds")
    user_id = models.UUIDField(null=True)  # None: the whole tenant
    reason = models.CharField(max_length=200)
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=200)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-set_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="tenants_legalhold_one_each",
                fields=["tenant", "user_id"],
                condition=models.Q(lifted_at=None),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id or 'the whole tenant'}: {self.reason}"


class Problem(models.Model):
    """Refusals of a tenant's requests with one reason and about one user or group (scim.problems).

    No personal data: `subject` is an id, or a digest of the name of one who was never created.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="problems")
    subject = models.CharField(max_length=80)
    reason = models.CharField(max_length=40)  # a row's id (scim.refusals)
    resource_type = models.CharField(max_length=40, blank=True)
    resource_id = models.UUIDField(null=True)
    operation = models.CharField(max_length=20)  # of the last refusal, like the following
    status = models.PositiveSmallIntegerField()
    request_id = models.CharField(max_length=64)
    first_at = models.DateTimeField("first")  # of the refusals since it was last settled
    last_at = models.DateTimeField("last")
    times = models.PositiveIntegerField()
    settled_at = models.DateTimeField(null=True)  # when a request about the subject succeeded
    muted_at = models.DateTimeField(null=True)
    muted_by = models.CharField(max_length=254, blank=True, db_default="")
    muted_reason = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        ordering = ["-last_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="tenants_problem_one_a_reason", fields=["tenant", "subject", "reason"]
            ),
        ]
        indexes = [
            models.Index(name="tenants_problem_last", fields=["tenant", "-last_at"]),
            models.Index(
                name="tenants_problem_open_each",
                fields=["tenant", "-last_at"],
                condition=models.Q(settled_at__isnull=True, muted_at__isnull=True),
            ),
        ]
        verbose_name = "open problem"

    def __str__(self) -> str:
        return f"{self.reason}, {counted(self.times, 'time')}"


class Erasure(models.Model):
    """The erasure of a deleted user's personal data: asked for, due, done (scim.keeping)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="erasures")
    user_id = models.UUIDField()
    reason = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=300, blank=True)
    proof = models.JSONField(default=dict)  # digests, and the numbers of rows; of no person

    class Meta:
        ordering = ["-asked_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="tenants_erasure_one_planned",
                fields=["tenant", "user_id"],
                condition=models.Q(ended_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.outcome or 'planned'}"


class AddressPreset(models.Model):
    """Networks that somebody publishes as their own, for lists of allowed addresses (accounts.presets)."""

    name = models.CharField(max_length=40, primary_key=True)
    published_on = models.DateField()
    networks = models.TextField()  # as accounts.addresses writes them
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"{self.name} of {self.published_on}"


class Mail(models.Model):
    """An e-mail to one account, from the action that causes it until it was sent (accounts.mailing).

    Neither address nor text nor link stands here: they are looked up and made when it is sent, so
    the registry holds no personal data and no secret, and an address that was corrected meanwhile
    counts.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"
        DROPPED = "dropped", "Not needed any more"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="mails")  # what it is about
    home = models.ForeignKey(Tenant, models.CASCADE, related_name="+")  # where the account lives
    account_id = models.UUIDField()
    template = models.CharField(max_length=40)  # the name of a file in a folder templates/emails
    values = models.JSONField(default=dict)  # for the template; of no person
    queued_at = models.DateTimeField()
    retry_at = models.DateTimeField()  # no worker takes it before
    give_up_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    error = models.CharField(max_length=200, blank=True)  # why it was not sent, in our own words
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-queued_at", "id"]
        indexes = [
            models.Index(
                name="tenants_mail_due",
                fields=["retry_at"],
                condition=models.Q(status="waiting"),
            ),
            models.Index(name="tenants_mail_done", fields=["done_at"]),
        ]
        verbose_name = "e-mail"

    def __str__(self) -> str:
        return f"{self.template.removesuffix('.txt').capitalize()} about {self.tenant.name}"


class UserDigests(models.Model):
    """The digests of a user's names, by which staff find it across tenants (scim.finding); no name."""

    pk = models.CompositePrimaryKey("user_id", "tenant_id")
    user_id = models.UUIDField()
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    user_name = models.BigIntegerField(null=True, db_index=True)
    work_email = models.BigIntegerField(null=True, db_index=True)  # None: it is the userName
    display_name = models.BigIntegerField(null=True, db_index=True)
    external_id = models.BigIntegerField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"digests of {self.user_id}"


class UserIndexing(models.Model):
    """The progress of writing a tenant's users to UserDigests, and the key that it is done by."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="indexing")
    key = models.CharField(max_length=16)
    reached_at = models.DateTimeField(null=True)  # the last change that was read, with its user
    reached_id = models.UUIDField(null=True)
    looked_at = models.DateTimeField(null=True)  # None: there is more to read

    def __str__(self) -> str:
        return f"indexing of {self.tenant_id}"
