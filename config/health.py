"""`/livez` and `/readyz`, for probes: on any host, before a tenant is looked for."""

from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse


class HealthMiddleware:
    """Answers the probes and hands on everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match request.path_info:
            case "/livez":
                return HttpResponse("alive\n", content_type="text/plain")
            case "/readyz":
                return _ready()
        return self.get_response(request)


def _ready() -> HttpResponse:
    """200 when the database answers, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        connection.close()
        response = HttpResponse("not ready: no database\n", status=503, content_type="text/plain")
        response["Retry-After"] = "5"
        return response
    return HttpResponse("ready\n", content_type="text/plain")
