"""Production behind PgBouncer in transaction mode: Debian's 1.18, which tells clients nothing of paths.

PGBOUNCER=/usr/local/bin/pgbouncer has another one run, which may carry prepared statements or not.
Three connections to PostgreSQL carry sixteen threads and a worker of events, so each transaction of a tenant
comes to a session that another tenant has just used.
"""

import json
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg
import pytest

from config import database
from tests.support import pgbouncer
from tests.support.deployment import new_deployment
from tests.support.payloads import BJENSEN, replace
from tests.support.waiting import WITHIN, wait_until

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery staple"
ROUNDS = 12


@pytest.fixture(scope="module", params=pgbouncer.ways())
def behind(request):
    """Migrated directly by the owner; served through PgBouncer by another login, which makes two tenants."""
    with new_deployment() as made:
        direct = made.environment["DATABASE_URL"]
        of_postgresql = database.socket_dir(made.folder / "postgresql")
        with pgbouncer.running(of_postgresql, database.SERVING, request.param) as pooler:
            made.environment |= {
                "DATABASE_URL": f"postgresql://{database.SERVING}@/{database.DATABASE}?host={pooler.folder}",
                "MIGRATION_DATABASE_URL": direct,
                "WEB_CONCURRENCY": "2",
                "TENANT_RATE": "0",
            }
            made.manage("migrate")
            made.manage("account create-staff alice@mypolicies.example", given=PASSWORD)
            for name in ("acme", "globex"):
                made.manage(f"tenant create {name} --name {name} --admin admin@{name}.example")
            made.start()
            yield made, pooler
            made.stop()


@pytest.fixture(scope="module")
def deployment(behind):
    return behind[0]


@pytest.fixture(scope="module")
def pooler(behind):
    return behind[1]


@pytest.fixture(scope="module")
def tokens(deployment):
    return {
        name: deployment.manage(f"token mint {name} --label Entra --days 30").strip()
        for name in ("acme", "globex")
    }


URN = "urn:ietf:params:scim:schemas:extension:globex:2.0:User"
STRUCTURE = """
SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
    has_table_privilege(pg_class.oid, 'INSERT'), has_table_privilege(pg_class.oid, 'UPDATE')
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'i') ORDER BY 1, attnum
"""


def as_serving(deployment, statement, parameters=None):
    """The cursor after a statement of the login that serves, past the pooler."""
    direct = deployment.environment["MIGRATION_DATABASE_URL"].replace(
        f"{database.ROLE}@", f"{database.SERVING}@"
    )
    with psycopg.connect(direct, autocommit=True) as session:
        return session.execute(statement, parameters)


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


class Clients:
    """Four clients of each tenant, which create users and read some until they are stopped."""

    def __init__(self, deployment, tokens):
        self.met = Counter()
        self.made = defaultdict(set)  # userNames by tenant
        self.astray = []
        self._deployment, self._tokens = deployment, tokens
        self._stopping = Event()

    @contextmanager
    def working(self):
        with ThreadPoolExecutor(4 * len(self._tokens)) as pool:
            clients = [pool.submit(self._work, n, name) for name in self._tokens for n in range(4)]
            try:
                yield
            finally:
                self._stopping.set()
            for client in clients:
                client.result(WITHIN)

    def further(self):
        """Return when many further users were created."""
        until = self.met[201] + 20
        wait_until(lambda: self.met[201] >= until, "further users were created")

    def users(self, name):
        """The users of a tenant whom these clients have created, by userName: their displayNames."""
        found, start = defaultdict(list), 1
        while page := self._ask(name, "GET", f"/Users?startIndex={start}&count=200").json[
            "Resources"
        ]:
            for each in page:
                found[each["userName"]].append(each["displayName"])
            start += len(page)
        return {user: names for user, names in found.items() if user.startswith("restarted")}

    def _work(self, client, name):
        number = 0
        while not self._stopping.is_set():
            number += 1
            user_name = f"restarted{client}-{number}@example.com"
            person = {"userName": user_name, "externalId": user_name, "displayName": name}
            made = self._ask(name, "POST", "/Users", json.dumps(BJENSEN | person))
            if made.status == 201:
                self.made[name].add(user_name)
            listed = self._ask(name, "GET", f"/Users?filter=userName+eq+%22{user_name}%22")
            shown = listed.json.get("Resources", [])
            self.astray += [each for each in shown if each["displayName"] != name]

    def _ask(self, name, *asked):
        answer = self._deployment.scim(name, self._tokens[name], *asked)
        self.met[answer.status] += 1
        return answer


def test_a_restart_of_the_pooler_leads_nobody_astray_and_loses_nothing(deployment, pooler, tokens):
    clients = Clients(deployment, tokens)

    with clients.working():
        for _ in range(3):
            clients.further()
            pooler.stop()
            pooler.start()
        clients.further()

    assert clients.astray == []
    assert clients.met.keys() <= {200, 201, 503}
    for name in tokens:
        found = clients.users(name)
        assert set(map(tuple, found.values())) == {(name,)}
        assert clients.made[name] <= found.keys()


FORBIDDEN = (
    "CREATE TABLE public.own (id int)",
    "CREATE SCHEMA own",
    "CREATE TABLE t_acme.own (id int)",
    "ALTER TABLE t_acme.scim_resource ADD COLUMN own int",
    "DROP TABLE t_acme.accounts_auditentry",
    "DROP SCHEMA t_acme CASCADE",
    "TRUNCATE t_acme.scim_provisioningevent",
    "UPDATE t_acme.scim_provisioningevent SET status = 200",
    "DELETE FROM t_acme.scim_attributechange",
    "DELETE FROM support.accounts_auditentry",
    "DELETE FROM t_acme.django_migrations",
    f"SET ROLE {database.ROLE}",
    f"GRANT {database.ROLE} TO {database.SERVING}",
    f"ALTER TABLE t_acme.accounts_auditentry OWNER TO {database.SERVING}",
    f"REASSIGN OWNED BY {database.ROLE} TO {database.SERVING}",
    "CREATE OR REPLACE FUNCTION public.create_tenant_schema(text) RETURNS void LANGUAGE sql AS ''",
    "SELECT public.create_tenant_schema('pg_own')",
    "SELECT public.create_tenant_schema('public')",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_login_that_serves_changes_no_table_and_no_log(deployment, statement):
    with pytest.raises(psycopg.Error) as refused:
        as_serving(deployment, statement)

    assert type(refused.value) in {
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.RaiseException,
    }


def test_the_login_that_serves_cannot_give_itself_a_right(deployment):
    """PostgreSQL answers such a GRANT with a warning and does nothing."""
    log = "t_acme.accounts_auditentry"
    as_serving(deployment, f"GRANT DELETE ON {log} TO {database.SERVING}")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_serving(deployment, f"DELETE FROM {log}")


def test_it_owns_nothing(deployment):
    owned = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"

    assert as_serving(deployment, owned).fetchone() == (0,)


def test_an_attribute_becomes_unique_by_the_command_which_the_owner_runs(deployment, tmp_path):
    file = tmp_path / "badges.json"
    badge = {"name": "badge", "type": "string", "uniqueness": "server"}
    file.write_text(json.dumps({"id": URN, "name": "Badges", "attributes": [badge]}))

    deployment.manage(f"schema define globex {file} --type User")

    assert URN in deployment.manage("schema list globex")


def test_a_tenant_that_the_function_makes_is_like_one_that_migrations_make(deployment):
    """Staff's own was made by `migrate`, acme by the login that serves."""
    made, migrated = (
        as_serving(deployment, STRUCTURE, [name]).fetchall() for name in ("t_acme", "support")
    )

    assert made == migrated
    assert len(made) > 100


def test_migrating_again_gives_back_a_right_that_was_lost_and_takes_one_that_was_added(deployment):
    with psycopg.connect(
        deployment.environment["MIGRATION_DATABASE_URL"], autocommit=True
    ) as owner:
        owner.execute(f"REVOKE SELECT ON t_globex.scim_resource FROM {database.SERVING}")
        owner.execute(f"GRANT TRUNCATE ON t_globex.scim_resource TO {database.SERVING}")

    deployment.manage("migrate")

    held = "SELECT has_table_privilege('t_globex.scim_resource', right_name) FROM unnest(%s::text[]) AS right_name"
    rights = as_serving(deployment, held, [["SELECT", "TRUNCATE"]]).fetchall()
    assert rights == [(True,), (False,)]


def test_a_tenant_that_fails_keeps_no_right_from_the_others(deployment):
    """Migrations are applied anew whose record is gone: what they drop is gone."""
    with psycopg.connect(
        deployment.environment["MIGRATION_DATABASE_URL"], autocommit=True
    ) as owner:
        forget = "DELETE FROM t_acme.django_migrations WHERE name = '0002_delete_session' RETURNING name, applied"
        [record] = owner.execute(forget).fetchall()
        owner.execute(f"REVOKE SELECT ON t_globex.scim_resource FROM {database.SERVING}")
        try:
            failed = deployment.run("python manage.py migrate")
        finally:
            note = "INSERT INTO t_acme.django_migrations (app, name, applied) VALUES ('sessions', %s, %s)"
            owner.execute(note, record)

    assert failed.returncode == 1
    assert failed.stderr.endswith(
        'Not migrated:\n  t_acme: table "django_session" does not exist\n'
    )
    held = "SELECT has_table_privilege('t_globex.scim_resource', 'SELECT')"
    assert as_serving(deployment, held).fetchone() == (True,)
