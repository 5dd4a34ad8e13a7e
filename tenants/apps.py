"""The registry of tenants and the routing of requests to their schemas."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        """Registers the system checks and what forgets a host when its tenant changes."""
        from tenants import checks, resolution  # noqa: F401  # models are loaded only now
