"""The pages about the API: SCIM in ten requests, and the reference made of its OpenAPI document."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString, mark_safe

from accounts.console.page import Page, Text, link
from accounts.console.site import Entry, Part
from scim.reference.requests import EXAMPLES
from tenants.current import current_tenant

_NOTICE: Final = (
    "Put a secret token into the variable TOKEN of your shell first: read -rs TOKEN. In place of {user} and"
    " {group} write the ids that the answers had. The provisioning log shows each request."
)


class ApiPart(Part):
    """The pages about the API of a tenant."""

    entries = (
        Entry(
            "Connection",
            "API",
            "admin:api",
            "SCIM in ten requests, to try with cURL, and the reference.",
        ),
    )

    def urls(self) -> Sequence[URLPattern]:
        return (
            path("api/", self.site.admin_view(self.requests), name="api"),
            path("api/reference/", self.site.admin_view(self.reference), name="api_reference"),
        )

    def requests(self, request: HttpRequest) -> HttpResponse:
        """Ten requests as cURL commands, with the tenant's own URL."""
        url = current_tenant().tenant_url
        sections = tuple(
            Text(
                f"{number}. {each.title}: {each.status}",
                f"# {each.told}\n{each.curl(url)}",
                f"request-{_LETTERS[number - 1]}",
            )
            for number, each in enumerate(EXAMPLES, 1)
        )
        links = (link(reverse("admin:api_reference"), "API reference"),)
        page = Page("SCIM in ten requests", sections, notice=_NOTICE, links=links)
        return self._answer(request, "console/record.html", page.title, {"page": page})

    def reference(self, request: HttpRequest) -> HttpResponse:
        """Every endpoint with its parameters and answers, and the attributes."""
        return self._answer(
            request, "reference/reference.html", "API reference", {"reference": _reference()}
        )

    def _answer(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        return TemplateResponse(
            request, template, {**self.site.each_context(request), "title": title, **context}
        )


@cache
def _reference() -> SafeString:
    """The content of api.html, which is generated and committed."""
    text = (Path(__file__).parent / "api.html").read_text(encoding="utf-8")
    return mark_safe(text.partition("<main>\n")[2].partition("</main>")[0])  # noqa: S308  # our own file


_LETTERS: Final = "abcdefghij"  # names of blocks have no digits
