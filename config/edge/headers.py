"""Response headers that Django does not set."""

from collections.abc import Callable
from typing import Final

from csp.constants import HEADER
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest, HttpResponse

# Features of the browser that no page needs. Of all, pages use the clipboard, for copy buttons.
_REFUSED: Final = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
PERMISSIONS_POLICY: Final = ", ".join(
    [*(f"{feature}=()" for feature in _REFUSED), "clipboard-write=(self)"]
)


class HeadersMiddleware:
    """Says where a page may load from, refuses what no page needs, and origins that would embed one.

    The policy is the same for all answers, so it is built once: django-csp's own middleware builds
    it for each, which cost an Entra request 0.08 ms.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._policy = build_policy()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response[HEADER] = self._policy
        response["Permissions-Policy"] = PERMISSIONS_POLICY
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


class ScimHeadersMiddleware:
    """Sets what XFrameOptionsMiddleware and CommonMiddleware set on pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        if not response.has_header("Content-Length"):
            response["Content-Length"] = str(len(response.content))
        return response
