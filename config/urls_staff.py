"""The URLs of the staff host."""

from django.urls import path
from django.views.generic import RedirectView

from config.sites import staff_site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", staff_site.urls),
]
