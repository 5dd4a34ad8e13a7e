"""`/livez` and `/readyz`, for probes: on any host, before a tenant is looked for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from config.database import look_after
from tenants import recordings
from tenants.current import in_public

PROBES: Final = ("/livez", "/readyz")
_READY_WITHIN: Final = 0.8  # seconds; a probe is answered in one
_RETRY_AFTER: Final = "5"  # seconds
_METHODS: Final = ("GET", "HEAD")
# One thread: a database that hangs holds it and nothing else, whatever number of probes comes.
_asking: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")


class HealthMiddleware:
    """Answers the probes and hands on everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._probes = dict(zip(PROBES, (_live, _ready), strict=True))
        recordings.known()  # reads files: before the fork, not while a first probe waits

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = self._probes.get(request.path_info)
        if probe is None:
            return self.get_response(request)
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        response = probe()
        response["Cache-Control"] = "no-store"
        return response


def _live() -> HttpResponse:
    return _text("alive")


def _ready() -> HttpResponse:
    """200 when the database answers in time and lacks no migration of this program, else 503.

    It is asked as by a request, on a connection that the process has, where there is one: the question is
    whether requests are served here, not whether PostgreSQL has room for one more connection.
    """
    answer = _asking.submit(_why_not_ready)
    try:
        reason = answer.result(timeout=_READY_WITHIN)
    except (Error, TimeoutError):
        answer.cancel()
        reason = "the database does not answer"
    if reason is None:
        return _text("ready")
    response = _text(f"not ready: {reason}", 503)
    response["Retry-After"] = _RETRY_AFTER
    return response


def _why_not_ready() -> str | None:
    try:
        with in_public(), connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM public.django_migrations")
            applied = set(cursor.fetchall())
    finally:
        look_after()
    # Each is noted in the registry, whatever it changes there.
    return None if recordings.known() <= applied else "migrations are missing"


def _text(sentence: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
