"""The URLs of a tenant's host."""

from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config.sites import tenant_site
from scim.api.oauth import MetadataView
from scim.api.urls import BELOW

# RFC 8414 §3: the path of an issuer comes after the well-known one.
METADATA = ".well-known/oauth-authorization-server"

urlpatterns = [
    re_path(BELOW, include("scim.api.urls")),
    path(METADATA, MetadataView.as_view()),
    path(f"{METADATA}/scim", MetadataView.as_view(below="/scim")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", tenant_site.urls),
]
