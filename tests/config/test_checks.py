"""`manage.py check --deploy` names what a deployment lacks, and the next step."""

import pytest
from django.db import connection

from accounts import actions
from accounts.actions import Actor
from accounts.models import Account
from accounts.permissions import Role
from config import checks, gunicorn
from config.edge.proxies import TrustedProxies, read_trusted_proxies
from tenants.current import in_tenant

PASSWORD = "correct horse battery staple"
COMMAND = Actor(name="root (command line)", is_command=True)


@pytest.fixture
def deployed(settings):
    settings.DATABASE_URL = "postgresql://mypolicies@db.example/mypolicies"
    settings.OWNER_DATABASE = {"USER": "owner"}
    settings.EMAIL_HOST = "smtp.example"
    settings.TRUSTED_PROXIES = read_trusted_proxies("192.0.2.1")
    return settings


@pytest.fixture
def olga(operator):
    """The only operator who can sign in."""
    with in_tenant(operator):
        Account.objects.filter(role=Role.OPERATOR).update(is_active=False)
    return actions.create_staff(COMMAND, "olga@mypolicies.example", PASSWORD)


def told(messages):
    return [(message.id, message.msg, message.hint) for message in messages]


def of_database():
    return told(checks.check_database(databases=["default"]))


def test_an_environment_with_database_and_mail_server_lacks_nothing(deployed):
    assert checks.check_environment() == []


def test_without_a_mail_server_it_says_where_messages_go(deployed):
    deployed.EMAIL_HOST = ""
    deployed.EMAIL_FILE_PATH = "/var/lib/mypolicies/mail"

    assert told(checks.check_environment()) == [
        (
            "config.W002",
            (
                "EMAIL_HOST is not set: invitations and warnings are sent to nobody, they become "
                "files in /var/lib/mypolicies/mail."
            ),
            "Set EMAIL_HOST, and EMAIL_PORT, EMAIL_USER and EMAIL_PASSWORD if it asks.",
        )
    ]


def test_without_database_url_it_says_that_nothing_was_asked(deployed):
    deployed.DATABASE_URL = ""

    [(code, sentence, hint)] = told(checks.check_environment())

    assert (code, hint) == ("config.W001", "Set DATABASE_URL to a PostgreSQL of your own.")
    assert sentence.startswith("DATABASE_URL is not set: ")


def test_without_a_trusted_proxy_it_says_whose_address_is_kept(deployed):
    deployed.TRUSTED_PROXIES = TrustedProxies()

    assert told(checks.check_environment()) == [
        (
            "config.W004",
            (
                "TRUSTED_PROXIES is not set: behind a proxy every log and token holds its address "
                "in place of the client's."
            ),
            "Set TRUSTED_PROXIES to the address or network of the proxy that ends TLS.",
        )
    ]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("", False),
        ("/var/run/postgresql", False),
        ("/srv/my.data/socket", False),
        ("@abstract.socket", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("localhost", False),
        ("database", False),
        ("192.0.2.5", True),
        ("2001:db8::5", True),
        ("db.internal", True),
        ("localhost,db.internal", True),
    ],
)
def test_a_database_is_on_another_machine_by_its_host(hosts, expected):
    assert checks.is_elsewhere(hosts) is expected


@pytest.mark.parametrize("mode", [{}, {"sslmode": "prefer"}, {"sslmode": "require"}])
def test_a_database_elsewhere_whose_certificate_is_not_verified_is_named(mode):
    way = {"HOST": "db.internal", "PASSWORD": "secret", "OPTIONS": mode}

    assert told(checks.unverified({"DATABASE_URL": way})) == [
        (
            "config.W009",
            (
                "DATABASE_URL leads to a database on another machine, db.internal, whose certificate is "
                "not verified: whoever is in between can read and change everything."
            ),
            "Add ?sslmode=verify-full&sslrootcert=FILE to it (docs/operations.md).",
        )
    ]


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
def test_a_database_elsewhere_whose_certificate_is_verified_is_right(mode):
    way = {"HOST": "db.internal", "OPTIONS": {"sslmode": mode}}

    assert checks.unverified({"DATABASE_URL": way}) == []


def test_both_ways_to_the_database_are_looked_at(deployed):
    assert checks.check_encryption() == []
    deployed.OWNER_DATABASE = {"HOST": "192.0.2.5"}

    [problem] = checks.check_encryption()

    assert problem.msg.startswith("MIGRATION_DATABASE_URL leads to a database on another machine")


def test_a_database_with_a_staff_account_lacks_nothing(olga):
    assert of_database() == []


def test_the_database_is_asked_only_when_it_is_named():
    assert checks.check_database() == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}, {"role": "support"}])
def test_without_an_operator_who_can_sign_in_it_names_the_command(operator, olga, change):
    with in_tenant(operator):
        Account.objects.filter(email=olga.email).update(**change)

    assert of_database() == [
        (
            "config.W003",
            "No staff account can sign in: there is no active operator with a password.",
            "Run manage.py account create-staff you@example.com.",
        )
    ]


@pytest.mark.owner  # migrations are taken back
@pytest.mark.parametrize("schema", ["public", "t_acme"])
def test_a_schema_that_lacks_a_migration_is_named(olga, acme, globex, schema):
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {schema}.django_migrations WHERE app = 'scim'")

    assert of_database() == [
        ("config.E002", f"Schemas lack migrations: {schema}.", "Run manage.py migrate.")
    ]


def test_more_threads_than_connections_are_an_error(olga, monkeypatch):
    monkeypatch.setattr(gunicorn, "workers", 256)

    [(code, sentence, _)] = of_database()

    assert code == "config.E001"
    assert "1290 are needed: 5 for each of 256 worker processes" in sentence
