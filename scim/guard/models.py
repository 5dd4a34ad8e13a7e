"""Rows of the guard in a tenant's schema: who left, and the undo; its alarms are in the registry."""

import uuid

from django.db import models

from tenants.words import counted


class Departure(models.Model):
    """A user who was active and was deactivated or deleted; one row a time."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    user_id = models.UUIDField()
    undone_at = models.DateTimeField(null=True)
    obstacle = models.CharField(max_length=200, null=True)  # why an undo left the user as it was

    class Meta:
        app_label = "scim"

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

    class Meta:
        app_label = "scim"

    def __str__(self) -> str:
        return f"{self.back:,} of {counted(self.users, 'user')}"
