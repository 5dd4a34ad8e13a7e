"""The SCIM 2.0 service provider (RFC 7643, RFC 7644)."""

from django.apps import AppConfig


class ScimConfig(AppConfig):
    name = "scim"
    verbose_name = "Provisioning"
