"""Rows of a tenant's schema that hold what is provisioned and what happened to it.

A resource of any type is one row: its canonical document, and the same document as it is compared
(`comparable`, see scim.protocol.comparison). Attributes that are searched often are columns that
PostgreSQL generates from `comparable`, so that they cannot drift. The two logs are append-only by
privilege.
"""

from collections.abc import Iterator
from copy import copy
from typing import Any, ClassVar

from django.db import models
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from scim.protocol import abbreviation, urns
from scim.protocol.differences import Change

_CREATED = 201  # the status of nearly every creation


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
                name="scim_resource_present",
                fields=["resource_type", "id"],
                include=["active"],  # so that active users are counted in the index
                condition=models.Q(deleted_at__isnull=True),
            ),
            models.Index(name="scim_resource_external_id", fields=["external_id"]),
            # For the screens: by the beginning of a name, by state, by when it changed.
            models.Index(name="scim_resource_work_email", fields=["work_email"]),
            models.Index(name="scim_resource_display_name", fields=["display_name"]),
            models.Index(name="scim_resource_family_name", fields=["family_name"]),
            models.Index(name="scim_resource_modified", fields=["resource_type", "last_modified"]),
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


class SentField(models.JSONField):
    """A request's body, which is kept without what nearly every one has (scim.protocol.abbreviation)."""

    def deconstruct(self) -> Any:
        """Django's, under the name of the column that it is in the database."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return abbreviation.written_out(super().from_db_value(value, expression, connection))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002  # Django's
        return super().get_db_prep_value(abbreviation.abbreviated(value), connection, prepared)


class ProvisioningEvent(models.Model):
    """One SCIM request, or equal reads of some minutes (`count`); the provisioning log."""

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
    # Of a refusal: the id of its row in scim.refusals; blank in rows from before there was one.
    reason = models.CharField(max_length=40, blank=True, db_default="")
    detail = models.TextField(blank=True)
    sent = SentField(null=True)  # the request's body or query, redacted
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
            # Rising: what is new comes behind all of its kind, where pages are filled (decision 0106).
            models.Index(name="scim_event_operation", fields=["operation", "id"]),
            # A 201 is found among the creations (inspector.log_screen).
            models.Index(
                name="scim_event_status",
                fields=["status", "id"],
                condition=~models.Q(status=_CREATED),
            ),
            models.Index(
                name="scim_event_user_name_key",
                fields=["user_name_key"],
                condition=models.Q(user_name_key__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.status}"


class AttributeChange(models.Model):
    """One changed attribute of one resource: what it was and what it became.

    The attributes that a resource is created with are one row, whose path is CREATION and whose `after`
    is an array of paths and values in turn (decisions 0051, 0106), the paths in few bytes
    (scim.protocol.abbreviation). `each` tells them one by one.
    """

    CREATION: ClassVar = ""

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

    @property
    def each(self) -> list["AttributeChange"]:
        """The changes of one attribute each that the row stands for, in their order; not to be saved."""
        if self.path != self.CREATION:
            return [self]
        found = []
        for path, after in self._told():
            change = copy(self)
            change.path, change.after = path, after
            found.append(change)
        return found

    @property
    def after_in_full(self) -> Any:
        """The value after the change; of a creation paths and values in turn, the paths in full."""
        if self.path != self.CREATION:
            return self.after
        return [part for pair in self._told() for part in pair]

    def _told(self) -> Iterator[tuple[str, Any]]:
        """The paths and values of a creation; before decision 0106 each two of them were an array."""
        told = self.after or ()
        if told and isinstance(told[0], list):
            told = [part for pair in told for part in pair]
        return zip(abbreviation.lengthened(tuple(told[::2])), told[1::2], strict=True)
