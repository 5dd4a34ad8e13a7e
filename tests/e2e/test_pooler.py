"""Production behind PgBouncer in transaction mode: Debian's 1.18, which tells clients nothing of paths.

Three connections to PostgreSQL carry sixteen threads and a worker of events, so each transaction of a tenant
comes to a session that another tenant has just used.
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from config import database
from tests.support import pgbouncer
from tests.support.deployment import new_deployment
from tests.support.payloads import BJENSEN, replace

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery staple"
ROUNDS = 12


@pytest.fixture(scope="module")
def deployment():
    """Migrated directly, served through PgBouncer, with the tenants acme and globex."""
    with new_deployment() as made:
        direct = made.environment["DATABASE_URL"]
        with pgbouncer.running(database.socket_dir(made.folder / "postgresql")) as sockets:
            made.environment |= {
                "DATABASE_URL": f"postgresql://{database.ROLE}@/{database.DATABASE}?host={sockets}",
                "MIGRATION_DATABASE_URL": direct,
                "WEB_CONCURRENCY": "2",
            }
            made.manage("migrate")
            made.manage("account create-staff alice@mypolicies.example", given=PASSWORD)
            for name in ("acme", "globex"):
                made.manage(f"tenant create {name} --name {name} --admin admin@{name}.example")
            made.start()
            yield made
            made.stop()


@pytest.fixture(scope="module")
def tokens(deployment):
    return {
        name: deployment.manage(f"token mint {name} --label Entra --days 30").strip()
        for name in ("acme", "globex")
    }


def life(deployment, name, token, number):
    """The statuses of one user's life, who is found only at home."""
    person = BJENSEN | {
        "userName": f"p{number}@example.com",
        "externalId": f"p{number}",
        "displayName": name,
    }
    made = deployment.scim(name, token, "POST", "/Users", json.dumps(person))
    path = f"/Users/{made.json['id']}"
    changed = deployment.scim(
        name, token, "PATCH", path, json.dumps(replace("title", f"Head of {name}"))
    )
    query = f"filter=userName+eq+%22p{number}@example.com%22"
    found = deployment.scim(name, token, "GET", f"/Users?{query}")
    taken = deployment.scim(name, token, "POST", "/Users", json.dumps(person))
    shown = [(each["displayName"], each["title"]) for each in found.json["Resources"]]
    return made.status, changed.status, shown, taken.status


def test_two_tenants_at_once_never_meet(deployment, tokens):
    with ThreadPoolExecutor(8) as pool:
        lives = [
            (name, pool.submit(life, deployment, name, tokens[name], number))
            for number in range(ROUNDS)
            for name in ("acme", "globex")
        ]
    for name, each in lives:
        made, changed, shown, taken = each.result()
        assert (made, taken) == (201, 409)
        assert changed in {200, 204}
        assert shown == [(name, f"Head of {name}")]


def test_a_token_of_another_tenant_is_refused(deployment, tokens):
    assert deployment.scim("acme", tokens["globex"], "GET", "/Users").status == 401
    assert (
        deployment.scim("globex", tokens["globex"], "GET", "/Users").json["totalResults"] == ROUNDS
    )


def test_the_deploy_check_finds_the_limits_in_force(deployment):
    done = deployment.run("python manage.py check --deploy")

    assert done.returncode == 0
    assert "pooler" not in done.stderr
    assert "not in force" not in done.stderr


def test_the_deploy_check_asks_for_a_direct_way_to_migrate(deployment):
    done = deployment.run("python manage.py check --deploy", MIGRATION_DATABASE_URL="")

    assert "config.W005" in done.stderr


def test_an_older_form_of_the_limits_is_what_pgbouncer_refuses(deployment):
    """So nothing is asked for in the packet that opens a connection."""
    url = deployment.environment["DATABASE_URL"] + "&options=-c%20statement_timeout%3D10s"

    done = deployment.run("python manage.py tenant list", DATABASE_URL=url)

    assert done.returncode == 1
    assert "options" in done.stderr
