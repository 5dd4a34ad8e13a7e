"""The registry of tenants and the routing of requests to their schemas."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        """Register the system checks, and the receiver that forgets a changed tenant's hosts."""
        from tenants import checks, resolution  # noqa: F401  # models are loaded only now
