"""The URLs of a tenant that identity providers and browsers are given for single sign-on."""

from accounts import links
from accounts.sso import oidc
from accounts.sso.identity import Kind
from accounts.sso.models import IdentityProvider
from accounts.sso.saml import Provider, Service
from tenants.models import Tenant


def redirect_uri(tenant: Tenant) -> str:
    """The URL to which OpenID Connect sends the browser back."""
    return f"{tenant.base_url}{links.own_path('admin:sso_callback')}"


def service_of(tenant: Tenant) -> Service:
    """The tenant as a SAML provider knows it."""
    return Service(
        f"{tenant.base_url}{links.own_path('admin:sso_metadata')}",
        f"{tenant.base_url}{links.own_path('admin:sso_acs')}",
    )


def start_url(tenant: Tenant, kind: Kind) -> str:
    """The URL at which a sign-in starts, for a tile at the provider."""
    return f"{tenant.base_url}{links.own_path('admin:sso_start', kind.value)}"


def client_of(tenant: Tenant, provider: IdentityProvider) -> oidc.Client:
    """The tenant as an OpenID Connect provider knows it, with the provider's documents."""
    return oidc.Client(
        issuer=provider.issuer,
        client_id=provider.client_id,
        redirect_uri=redirect_uri(tenant),
        authorization_endpoint=provider.document("authorization_endpoint"),
        keys={"keys": provider.documents.get("keys", [])},
    )


def saml_provider_of(provider: IdentityProvider) -> Provider:
    """The SAML provider, as its stored metadata describe it."""
    certificates = tuple(provider.document("certificates"))
    return Provider(provider.issuer, provider.document("sign_on_url"), certificates)
