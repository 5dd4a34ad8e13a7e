"""What a tenant's host serves."""

from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config.sites import tenant_site

urlpatterns = [
    # In any letter case, without (?i:…), which would keep Django from reversing URLs.
    re_path(r"^[sS][cC][iI][mM](?:/|$)", include("scim.api.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", tenant_site.urls),
]
