"""Rows of event streams: who is told what, what waits to be told, and the keys that sign it."""

import uuid
from typing import Final

from django.db import models

from accounts.sealing import SealedField
from tenants import clock

# Uses of secrets, part of the key that seals them.
PUSH_HEADER: Final = "push authorization"
WEBHOOK_KEY: Final = "webhook key"
SIGNING_KEY: Final = "signing key"


class StreamState(models.TextChoices):
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    FAILING = "failing", "Failing"  # given up after a configured time; a person resumes it


class DeliveryMethod(models.TextChoices):
    PUSH = "push", "Push (RFC 8935)"
    POLL = "poll", "Poll (RFC 8936)"
    WEBHOOK = "webhook", "Webhook"

    @property
    def secret_use(self) -> str:
        """The use that a stream's secret is sealed for; poll's is a digest."""
        return WEBHOOK_KEY if self is DeliveryMethod.WEBHOOK else PUSH_HEADER


class EventStream(models.Model):
    """A stream of events to one receiver (RFC 9967 §1.3). Deleted ones stay, with `deleted_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    label = models.CharField(max_length=100)
    method = models.CharField(max_length=10, choices=DeliveryMethod)
    endpoint = models.CharField(max_length=500, blank=True)  # where push and webhook send to
    audience = models.CharField(max_length=500)  # the tokens' `aud`
    event_uris = models.JSONField()  # a list; what else happens is not queued
    secret = SealedField(  # push's header, webhook's key
        use=lambda stream: DeliveryMethod(stream.method).secret_use, blank=True, editable=False
    )
    digest = models.BinaryField(null=True, editable=False)  # of poll's secret
    state = models.CharField(max_length=10, choices=StreamState, default=StreamState.ACTIVE)
    reason = models.TextField(blank=True)  # why it is failing, for a person
    failures = models.PositiveIntegerField(default=0)  # rounds without a success since the last one
    retry_at = models.DateTimeField(default=clock.now)
    # Another one since each action of a person: results of a round in flight then count no more.
    generation = models.PositiveIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=200)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "scim"
        ordering = ["-created_at", "pk"]

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

    class Meta:
        app_label = "scim"

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
        app_label = "scim"
        ordering = ["-event_id", "pk"]
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
    private = SealedField(use=SIGNING_KEY, blank=True, editable=False)  # blank once retired
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "scim"
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                name="scim_signingkey_one_signs",
                condition=models.Q(retired_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.kid
