"""Rows of a tenant's schema that hold what is provisioned and what happened to it.

A resource of any type is one row: its canonical document, and the same document as it is compared
(`comparable`, see scim.protocol.comparison). What is searched often is a column that PostgreSQL
generates from `comparable`, so that it cannot drift. The two logs are append-only by privilege.
"""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from scim.protocol import urns
from scim.protocol.differences import Change
from tenants import clock


class WorkEmail(models.Func):
    """The comparable value of the work e-mail in a comparable document."""

    template = (
        "(jsonb_path_query_first(comparable, '$.emails[*] ? (@.type == \"work\").value') #>> '{}')"
    )
    output_field = models.TextField()


def _generated(expression: models.Expression) -> models.GeneratedField:
    """A text column that PostgreSQL computes and that compares by code point."""
    text = models.TextField(null=True, db_collation="C")
    return models.GeneratedField(expression=expression, output_field=text, db_persist=True)


class Resource(models.Model):
    """A SCIM resource (RFC 7643 §3). Deleted ones stay, with `deleted_at`, unseen by SCIM.

    A GIN index on the e-mails in `comparable` is made by migration 0003.
    """

    id = models.UUIDField(primary_key=True, editable=False)  # version 7: sorts by creation
    resource_type = models.CharField(max_length=40)
    document = models.JSONField()
    comparable = models.JSONField()
    unique_key = models.TextField(null=True, db_collation="C")
    version = models.PositiveBigIntegerField(default=1)
    created = models.DateTimeField()
    last_modified = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True)
    continues = models.UUIDField(null=True, blank=True)  # the deleted resource it re-creates

    external_id = _generated(KT("comparable__externalId"))
    work_email = _generated(WorkEmail())
    display_name = _generated(KT("comparable__displayName"))
    family_name = _generated(KT("comparable__name__familyName"))
    active = models.GeneratedField(
        expression=Cast(KT("comparable__active"), models.BooleanField()),
        output_field=models.BooleanField(null=True),
        db_persist=True,
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="scim_resource_unique_key",
                fields=["resource_type", "unique_key"],
                condition=models.Q(deleted_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="scim_resource_listed",
                fields=["resource_type", "id"],
                condition=models.Q(deleted_at__isnull=True),
            ),
            models.Index(name="scim_resource_external_id", fields=["external_id"]),
            # For the screens: by the beginning of a name, by state, by when it changed.
            models.Index(name="scim_resource_work_email", fields=["work_email"]),
            models.Index(name="scim_resource_display_name", fields=["display_name"]),
            models.Index(name="scim_resource_family_name", fields=["family_name"]),
            models.Index(name="scim_resource_modified", fields=["resource_type", "-last_modified"]),
            # For the guard: active users, counted as far as it matters (decision 0022).
            models.Index(
                name="scim_resource_active",
                fields=["created"],
                condition=models.Q(resource_type=urns.USER_TYPE, deleted_at__isnull=True)
                & (models.Q(active=True) | models.Q(active__isnull=True)),
            ),
            models.Index(
                name="scim_resource_disabled",
                fields=["resource_type", "id"],
                condition=models.Q(active=False),
            ),
            models.Index(
                name="scim_resource_deleted",
                fields=["resource_type", "id"],
                condition=models.Q(deleted_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.resource_type} {self.id}"


class Membership(models.Model):
    """A resource that belongs to a group directly; a row a member, so that no change loads a group."""

    pk = models.CompositePrimaryKey("group_id", "member_id")
    group = models.ForeignKey(Resource, models.DO_NOTHING, related_name="+", db_index=False)
    member = models.ForeignKey(Resource, models.DO_NOTHING, related_name="+")

    def __str__(self) -> str:
        return f"{self.member_id} in {self.group_id}"


class ExtensionSchema(models.Model):
    """A schema that this tenant's resources of one type are extended by, beside the built-in ones.

    A removed one stays: values of deleted resources are still read by it when it comes back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    urn = models.CharField(max_length=200)  # as it was given
    urn_key = models.CharField(max_length=200, unique=True)  # in lower case
    resource_type = models.CharField(max_length=40)
    is_required = models.BooleanField(default=False)
    definition = models.JSONField()  # a Schema resource (RFC 7643 §7)
    # Paths of attributes that were secret and are no longer in the definition: what was recorded of
    # them stays hidden.
    former_secrets = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=254)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "urn"]
        verbose_name = "extension schema"

    def __str__(self) -> str:
        return self.urn


class UserManager(models.Manager["User"]):
    def get_queryset(self) -> models.QuerySet["User"]:
        return super().get_queryset().filter(resource_type=urns.USER_TYPE)


class User(Resource):
    """A provisioned user (RFC 7643 §4.1); for screens, which read and never write."""

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        proxy = True
        verbose_name = "provisioned user"


class GroupManager(models.Manager["Group"]):
    def get_queryset(self) -> models.QuerySet["Group"]:
        return super().get_queryset().filter(resource_type=urns.GROUP_TYPE)


class Group(Resource):
    """A provisioned group (RFC 7643 §4.2); for screens, which read and never write."""

    objects: ClassVar[GroupManager] = GroupManager()

    class Meta:
        proxy = True
        verbose_name = "provisioned group"


class ProvisioningEvent(models.Model):
    """One SCIM request, or a minute's worth of equal reads (`count`); the provisioning log."""

    id = models.UUIDField(primary_key=True, editable=False)  # version 7
    at = models.DateTimeField()
    request_id = models.CharField(max_length=64)
    token_id = models.UUIDField(null=True)
    token_label = models.CharField(max_length=120, blank=True)
    operation = models.CharField(max_length=20)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=300)
    resource_type = models.CharField(max_length=40, blank=True)
    resource_id = models.UUIDField(null=True)
    status = models.PositiveSmallIntegerField()
    scim_type = models.CharField(max_length=20, blank=True)
    detail = models.TextField(blank=True)
    sent = models.JSONField(null=True)  # the request's body or query, redacted
    # Of a user who was not created, and so has no id to be found by: the key of the userName sent.
    user_name_key = models.TextField(null=True, editable=False)
    notes = models.JSONField(default=list)  # what was ignored or understood generously
    count = models.PositiveIntegerField(default=1)
    duration_ms = models.FloatField(null=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "provisioning log"
        indexes = [
            models.Index(name="scim_event_resource", fields=["resource_id", "-id"]),
            models.Index(name="scim_event_request", fields=["request_id"]),
            models.Index(name="scim_event_operation", fields=["operation", "-id"]),
            models.Index(name="scim_event_status", fields=["status", "-id"]),
            models.Index(
                name="scim_event_user_name_key",
                fields=["user_name_key"],
                condition=models.Q(user_name_key__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.status}"


class AttributeChange(models.Model):
    """One changed attribute of one resource: what it was and what it became."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    event_id = models.UUIDField()
    request_id = models.CharField(max_length=64)
    token_id = models.UUIDField(null=True)
    resource_type = models.CharField(max_length=40)
    resource_id = models.UUIDField()
    version = models.PositiveBigIntegerField()
    path = models.TextField()  # a SCIM path, such as emails[type eq "work"].value
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "attribute change"
        indexes = [
            models.Index(name="scim_change_resource", fields=["resource_id", "id"]),
            models.Index(name="scim_change_event", fields=["event_id"]),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def value(self) -> Change:
        """The change as the protocol knows it."""
        return Change(self.path, self.before, self.after)


class StreamState(models.TextChoices):
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    FAILING = "failing", "Failing"  # given up after a configured time; a person resumes it


class DeliveryMethod(models.TextChoices):
    PUSH = "push", "Push (RFC 8935)"
    POLL = "poll", "Poll (RFC 8936)"
    WEBHOOK = "webhook", "Webhook"


class EventStream(models.Model):
    """Who gets which events and how (RFC 9967 §1.3). Deleted ones stay, with `deleted_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    label = models.CharField(max_length=100)
    method = models.CharField(max_length=10, choices=DeliveryMethod)
    endpoint = models.CharField(max_length=500, blank=True)  # where push and webhook send to
    audience = models.CharField(max_length=500)  # the tokens' `aud`
    event_uris = models.JSONField()  # a list; what else happens is not queued
    secret = models.TextField(blank=True, editable=False)  # sealed: push's header, webhook's key
    digest = models.BinaryField(null=True, unique=True, editable=False)  # of poll's secret
    state = models.CharField(max_length=10, choices=StreamState, default=StreamState.ACTIVE)
    reason = models.TextField(blank=True)  # why it is failing, for a person
    failures = models.PositiveIntegerField(default=0)  # rounds without a success since the last one
    retry_at = models.DateTimeField(default=clock.now)
    # Another one since each act of a person: what a round in flight finds out then counts no more.
    generation = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=200)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.label} ({self.public_id})"

    @property
    def public_id(self) -> str:
        """The beginning of the id, which names the stream in logs and lists."""
        return self.id.hex[:8]


class OutboxEvent(models.Model):
    """A change that some stream wants to tell, written by the statement that made the change."""

    id = models.UUIDField(primary_key=True, editable=False)  # the provisioning event's
    at = models.DateTimeField()
    kinds = models.JSONField()  # a list of scim.events.claims.Kind
    resource_type = models.CharField(max_length=40)
    resource_id = models.UUIDField()
    uri = models.CharField(max_length=200)
    version = models.PositiveBigIntegerField()
    schemas = models.JSONField()
    document = models.JSONField()  # the canonical resource after the change
    changes = models.JSONField()
    members = models.JSONField(null=True)  # of a group that was created or replaced

    def __str__(self) -> str:
        return f"{self.uri} {self.version}"


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    DELIVERED = "delivered", "Delivered"
    REFUSED = "refused", "Refused"  # by a polling receiver, which says why (RFC 8936 §2.4)
    SKIPPED = "skipped", "Skipped"  # by a person: the receiver never gets it


class Delivery(models.Model):
    """One change on its way to one stream: the queue and, afterwards, the delivery log."""

    id = models.UUIDField(primary_key=True, editable=False)  # the token's `jti`, at each attempt
    # Streams are never removed, and a check would lock the stream's row for every change.
    stream = models.ForeignKey(
        EventStream, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    event = models.ForeignKey(OutboxEvent, models.CASCADE, related_name="+")
    resource_id = models.UUIDField()
    version = models.PositiveBigIntegerField()
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField()
    attempted_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)  # while a worker sends it
    failing_since = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)  # of the last attempt

    class Meta:
        ordering = ["-event_id"]
        verbose_name_plural = "delivery log"
        indexes = [
            models.Index(
                name="scim_delivery_queue",
                fields=["stream", "retry_at", "event"],
                condition=models.Q(status="pending"),
            ),
            models.Index(
                name="scim_delivery_order",
                fields=["stream", "resource_id", "version"],
                condition=models.Q(status="pending"),
            ),
            models.Index(name="scim_delivery_log", fields=["stream", "-event"]),
            models.Index(
                name="scim_delivery_done",
                fields=["done_at"],
                condition=models.Q(done_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.status}"


class SigningKey(models.Model):
    """A key that the tenant's tokens are signed with; the newest signs, former ones are published."""

    kid = models.CharField(primary_key=True, max_length=64)  # RFC 7638 thumbprint
    public = models.JSONField()  # a JWK
    private = models.TextField(blank=True, editable=False)  # sealed; blank once retired
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                name="scim_signingkey_one_signs",
                condition=models.Q(retired_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.kid


class Departure(models.Model):
    """A user who was active and was deactivated or deleted; one row a time."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    user_id = models.UUIDField()
    undone_at = models.DateTimeField(null=True)
    obstacle = models.CharField(max_length=200, null=True)  # why an undo left the user as it was

    def __str__(self) -> str:
        return f"{self.user_id} at {self.at}"


class Undoing(models.Model):
    """The undo of a mass deactivation: who asked for it, and how far the worker has come."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    alarm_id = models.UUIDField(unique=True)  # in the registry
    subject = models.CharField(max_length=200)  # the alarm in words, for the audit log
    since = models.DateTimeField()  # departures from here
    until = models.DateTimeField()  # to here
    reached = models.DateTimeField()  # departures before are dealt with
    users = models.PositiveIntegerField()  # to be brought back
    back = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)  # as they were: Departure.obstacle says why
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=254)
    address = models.GenericIPAddressField(null=True)
    is_by_staff = models.BooleanField()
    request_id = models.CharField(max_length=64)  # in the provisioning log
    done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.back} of {self.users} users"
