"""Rows of a reconciliation: the report in the registry, its differences in the tenant's schema."""

from django.db import models

from tenants.models import Tenant


class Reconciliation(models.Model):
    """A comparison of Entra's users with the tenant's; without personal data.

    It is in the registry so that one statement finds the work of all tenants.
    """

    class Stage(models.TextChoices):
        MATCHING = "matching", "Comparing the users of the file"
        SEARCHING = "searching", "Looking for users who are not in the file"
        DONE = "done", "Done"

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="reconciliations")
    asked_at = models.DateTimeField("uploaded")
    asked_by = models.CharField("uploaded by", max_length=254)
    form = models.CharField("form of the file", max_length=10)
    users = models.PositiveIntegerField("users in the file")
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.MATCHING)
    matched = models.PositiveIntegerField(default=0)  # of the users
    reached_row = models.BigIntegerField(default=0)
    reached_user = models.UUIDField(null=True)
    not_compared = models.JSONField(default=list)  # paths that the file has, and no user here
    counts = models.JSONField(default=dict)  # users, by the kind of their difference
    attributes = models.JSONField(default=dict)  # users, by the path that differs
    done_at = models.DateTimeField(null=True)
    delete_at = models.DateTimeField("deleted")

    class Meta:
        app_label = "tenants"
        ordering = ["-asked_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="tenants_reconciliation_one_running",
                fields=["tenant"],
                condition=models.Q(done_at=None),
            ),
        ]
        verbose_name_plural = "reconciliation"

    def __str__(self) -> str:
        return f"Reconciliation of {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def counts_differing(self) -> int:
        """The number of differences."""
        return sum(self.counts.get(kind, 0) for kind in Difference.Kind)


class Difference(models.Model):
    """A user of the file, or one who is not in it: what differs, until the report is deleted.

    Users without a difference leave no row once the comparison is done.
    """

    class Kind(models.TextChoices):
        MISSING = "missing", "Missing here"
        EXTRA = "extra", "Not in Entra"
        DISABLED = "disabled", "Disabled in Entra only"
        INACTIVE = "inactive", "Disabled here only"
        DIFFERS = "differs", "Attributes differ"
        UNREADABLE = "unreadable", "Unreadable line"

    SAME = "same"
    ABSENT = "absent"  # disabled in Entra, and not here

    id = models.BigAutoField(primary_key=True)
    report_id = models.UUIDField()  # in the registry
    kind = models.CharField(max_length=10, blank=True, choices=Kind)  # "": not yet compared
    line = models.PositiveIntegerField(null=True)  # of the file
    object_id = models.TextField(blank=True, db_collation="C")
    nickname = models.TextField(blank=True, db_collation="C")
    user_name = models.TextField(blank=True)
    user_name_key = models.TextField(blank=True, db_collation="C")  # tenants.lettercase
    display_name = models.TextField(blank=True)
    is_enabled = models.BooleanField(null=True)  # in Entra
    user_id = models.UUIDField(null=True)  # of the user here
    values = models.JSONField(default=dict)  # in Entra, by SCIM path
    differing = models.JSONField(null=True)  # by SCIM path: what Entra has, what is here
    remark = models.CharField(max_length=200, blank=True)

    class Meta:
        app_label = "scim"
        ordering = ["-id"]
        indexes = [
            models.Index(name="scim_difference_report", fields=["report_id", "kind", "-id"]),
            models.Index(name="scim_difference_user", fields=["user_id", "report_id"]),
            models.Index(name="scim_difference_key", fields=["user_name_key"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.user_id or self.object_id}"
