"""The django-scim2 server: settings, URLs, the token's look-up, its tables, and the application."""

import os
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

_place = urlsplit(os.environ["PEER_DATABASE_URL"])
_APP = "tests.support.bench.peers.durable"


class TokenMiddleware:
    """Sets the user of the bearer token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        from tests.support.bench.peers.durable.models import Token

        _, _, value = request.headers.get("Authorization", "").partition(" ")
        digest = sha256(value.encode()).digest()
        token = Token.objects.select_related("user").filter(digest=digest).first()
        if token is not None:
            request.user = token.user
        return self.get_response(request)


settings.configure(
    SECRET_KEY="signs nothing here",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    AUTH_USER_MODEL="durable.Person",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", _APP, "django_scim"],
    MIDDLEWARE=[f"{__name__}.TokenMiddleware", "django_scim.middleware.SCIMAuthCheckMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _place.path.strip("/"),
            "USER": _place.username,
            "PASSWORD": _place.password or "",
            "HOST": _place.hostname or dict(parse_qsl(_place.query)).get("host", ""),
            "PORT": _place.port or "",
            "CONN_MAX_AGE": None,
        }
    },
    SCIM_SERVICE_PROVIDER={
        "NETLOC": "localhost",
        "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "token"}],
        "GROUP_MODEL": f"{_APP}.models.Team",
    },
    MIGRATION_MODULES={"auth": None, "contenttypes": None},  # all tables at once
    LOGGING_CONFIG=None,
)
urlpatterns: list[Any] = [path("scim/v2/", include("django_scim.urls"))]
application = get_wsgi_application()


def prepare() -> None:
    """Make the tables and the token."""
    from tests.support.bench.peers.durable.models import Person, Token

    call_command("migrate", run_syncdb=True, verbosity=0)
    user = Person.objects.create(username="client", scim_id="client")
    digest = sha256(os.environ["PEER_TOKEN"].encode()).digest()
    Token.objects.create(digest=digest, user=user)


if __name__ == "__main__":
    prepare()
