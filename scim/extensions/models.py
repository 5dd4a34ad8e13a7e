"""The row of a schema that a tenant defines for itself."""

import uuid

from django.db import models


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
        app_label = "scim"
        ordering = ["created_at", "urn_key"]
        verbose_name = "extension schema"

    def __str__(self) -> str:
        return self.urn
