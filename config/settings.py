"""Django's settings, one module, from environment variables; secure unless on localhost.

Development means: BASE_DOMAIN ends in `.localhost`, which no other machine can reach. There a
SECRET_KEY is made and kept in DATA_DIR and cookies travel over plain HTTP. Anywhere else a missing
SECRET_KEY refuses to start.
"""

from csp.constants import NONE, SELF

from config import environment
from config.database import database_settings, owner_settings
from config.edge.proxies import read_trusted_proxies

BASE_DIR = environment.ROOT

# Settings of an operator.
DATA_DIR = environment.data_dir()
DATABASE_URL = environment.database_url()
BASE_DOMAIN = environment.text("BASE_DOMAIN").lower().strip(".")
BIND = environment.address("BIND")
PORT = environment.number("PORT")
TRUSTED_PROXIES = read_trusted_proxies(environment.text("TRUSTED_PROXIES"))

METRICS_PORT = environment.number("METRICS_PORT")
METRICS_BIND = environment.address("METRICS_BIND")

DEVELOPMENT = BASE_DOMAIN.endswith("localhost")
PUBLIC_SCHEME = "http" if DEVELOPMENT else "https"
PUBLIC_PORT_SUFFIX = f":{PORT}" if DEVELOPMENT else ""
SECRET_KEY = environment.read_secret_key(
    environment.text("SECRET_KEY"), DATA_DIR, development=DEVELOPMENT
)
SECRET_KEY_FALLBACKS = [
    key for key in environment.several("SECRET_KEY_FALLBACKS") if key != SECRET_KEY
]
LEAKED_PASSWORDS_FILE = environment.optional_path("LEAKED_PASSWORDS_FILE")
DEBUG = False

# Tenancy: public holds the registry only, so nothing can fall through to it (docs/platform.md).
SHARED_APPS = ["tenants", "django.contrib.contenttypes"]
TENANT_APPS = ["accounts", "scim", "accounts.former_sessions"]
FEATURES = [  # scim.provider.features; pages and navigation show them in this order
    "scim.history",
    "scim.problems",
    "scim.inspector",
    "scim.guard",
    "scim.reconciliation",
    "scim.extensions",
    "scim.events",
    "scim.monitoring",
    "scim.reference",
    "scim.importing",
    "scim.finding",
    "scim.keeping",
]
INSTALLED_APPS = [
    "config",
    # Before django_tenants, whose admin templates carry inline styles; config.sites registers all.
    "django.contrib.admin.apps.SimpleAdminConfig",
    *SHARED_APPS,
    *TENANT_APPS,
    *FEATURES,
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_tenants",  # last: of commands and templates with equal names, ours and Django's count
]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True
SKIP_PG_EXTRA_VALIDATION = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DATABASES = {
    "default": database_settings(
        DATABASE_URL,
        DATA_DIR,
        prepares=environment.choice("PREPARED_STATEMENTS") == "on",
        pooler=environment.choice("DATABASE_POOLER"),
    )
}
# The login that changes tables, if it is another than the one that serves (tenants.logins).
SERVING_LOGIN = DATABASES["default"]["USER"]
OWNER_DATABASE = owner_settings(
    environment.text("MIGRATION_DATABASE_URL"), DATA_DIR, is_embedded=not DATABASE_URL
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ROOT_URLCONF = "config.urls_tenant"
STAFF_URLCONF = "config.urls_staff"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # a redirect would lose a POST; the SCIM routes tolerate both spellings
# Any host may arrive: tenants.middleware answers 404 for those that are not served.
ALLOWED_HOSTS = ["*"]
USE_X_FORWARDED_HOST = False
FORCE_SCRIPT_NAME = ""  # all is served from the root; Django would ask each request for its own
DEBUG_PROPAGATE_EXCEPTIONS = True  # to config.edge.outermost, which tells an outage from a failure

MIDDLEWARE = [
    "config.edge.proxies.ClientMiddleware",  # client and scheme, which all below go by
    # Headers next: the last-resort errors of the outermost one have them too.
    "django.middleware.security.SecurityMiddleware",
    "config.edge.headers.HeadersMiddleware",
    "config.edge.outermost.OutermostMiddleware",  # request id, log line, last-resort errors
    "config.edge.probes.HealthMiddleware",  # probes come by IP address, before host routing
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tenants.middleware.TenantMiddleware",  # host -> tenant, one transaction a request
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.SetUpFirstMiddleware",  # a second factor, before anything is shown
    "accounts.middleware.VisitMiddleware",  # staff open a tenant's pages under /t/<custom domain>/
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# All that a request below /scim passes (config.edge.handler): no session, no form, no page.
SCIM_MIDDLEWARE = [
    "config.edge.proxies.ClientMiddleware",
    "config.edge.headers.SameHeadersMiddleware",  # for SecurityMiddleware and HeadersMiddleware
    "config.edge.outermost.OutermostMiddleware",
    "config.edge.floods.FloodMiddleware",  # the limit of a tenant, before the database is asked
    "scim.api.foresight.ForesightMiddleware",  # TenantMiddleware, the token's look-up and a read
    "config.edge.headers.ScimHeadersMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Accounts and sessions
AUTH_USER_MODEL = "accounts.Account"
PASSWORD_HASHERS = [
    "accounts.hashing.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # of before; replaced at the next sign-in
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if LEAKED_PASSWORDS_FILE is not None:
    AUTH_PASSWORD_VALIDATORS.append(
        {
            "NAME": "accounts.leaked.LeakedPasswordValidator",
            "OPTIONS": {"path": LEAKED_PASSWORDS_FILE},
        }
    )
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_ENGINE = "accounts.sessions"  # rows of a tenant's schema: no cookie crosses
SESSION_EXPIRE_AT_BROWSER_CLOSE = True  # when it ends otherwise is in its row
SESSION_COOKIE_HTTPONLY = True
# Links in e-mails and tickets open the page that they name; nothing else of another site's comes with
# a cookie. No GET changes anything, and every other method asks for the token of a form. Were the
# second one Strict, following a link would replace it and break the forms that are open.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
SESSION_COOKIE_NAME = "sessionid" if DEVELOPMENT else "__Host-sessionid"
CSRF_COOKIE_NAME = "csrftoken" if DEVELOPMENT else "__Host-csrftoken"
SECURE_SSL_REDIRECT = False  # TLS ends at the proxy, which redirects; probes come without it
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # asks for the redirect
SECURE_PROXY_SSL_HEADER = None  # config.edge.proxies: the scheme is a setting, as the host is
SECURE_HSTS_SECONDS = 0 if DEVELOPMENT else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEVELOPMENT
SECURE_REFERRER_POLICY = "same-origin"  # no-referrer makes Chrome send Origin: null to our forms
X_FRAME_OPTIONS = "DENY"
# Nothing inline, nothing from elsewhere (decision 0013).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Requests a second that a tenant may send in the long run; 0 is no limit (tenants.rates).
TENANT_RATE = environment.number("TENANT_RATE")

# OAuth: how long an access token serves; Entra's gallery asks for 60 minutes to 6 hours.
ACCESS_TOKEN_MINUTES = environment.number("ACCESS_TOKEN_MINUTES")

# Events: how long the worker tries to deliver one before it stops the stream and says so.
EVENT_GIVE_UP_HOURS = environment.number("EVENT_GIVE_UP_HOURS")
# How long a receiver has to answer, from the look-up of its name to the last byte.
EVENT_TIMEOUT_SECONDS = environment.number("EVENT_TIMEOUT_SECONDS")
# E-mail: a server, or files that one can read.
EMAIL_HOST = environment.text("EMAIL_HOST")
EMAIL_PORT = environment.number("EMAIL_PORT")
EMAIL_HOST_USER = environment.text("EMAIL_USER")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_PASSWORD")
EMAIL_USE_SSL = EMAIL_PORT == 465
EMAIL_USE_TLS = EMAIL_PORT == 587
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM", f"myPolicies <no-reply@{BASE_DOMAIN}>")
EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if EMAIL_HOST else "accounts.mailing.FileBackend"
)

# Uploads: SCIM bodies have their own limit (scim.api.bodies); forms are small.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # bytes
FILE_UPLOAD_HANDLERS = ["accounts.console.upload.BoundedUploadHandler"]

STATIC_URL = "/static/"  # absolute: a relative one would take over the prefix of a staff visit
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step: files are served from the packages

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = ["config.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING_CONFIG = "config.logging.configure"
LOGGING = {"version": 1}  # Django calls the function only if this is not empty

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["scim.api.renderers.ScimRenderer"],
    "DEFAULT_PARSER_CLASSES": ["scim.api.bodies.ScimParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "scim.api.renderers.ScimNegotiation",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
