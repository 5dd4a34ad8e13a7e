"""Production as README.md describes it: gunicorn and commands in a bare environment, on a PostgreSQL
that DATABASE_URL names.
"""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlencode

import psycopg
import pytest

from config import database
from tests.support.deployment import SERVE, Deployment, new_deployment
from tests.support.payloads import BJENSEN, replace
from tests.support.ports import free_port
from tests.support.server import send
from tests.support.waiting import WITHIN, wait_until

PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def deployment():
    """Migrated and serving, with the tenants acme and globex."""
    with new_deployment() as made:
        made.environment |= {"METRICS_PORT": str(free_port()), "WEB_CONCURRENCY": "2"}
        assert made.manage("migrate").endswith("  manage.py account create-staff you@example.com\n")
        made.manage("create_staff alice@mypolicies.example", given=PASSWORD)
        made.manage('create_tenant acme --name "Acme Ltd" --admin tara@acme.example')
        made.manage('create_tenant globex --name "Globex Inc" --admin gus@globex.example')
        made.start()
        yield made


@pytest.fixture
def token(deployment):
    return mint(deployment, "acme")


def mint(deployment, custom_domain):
    return deployment.manage(f"mint_token {custom_domain} --label Entra --days 30").strip()


def test_the_life_of_a_user_from_test_connection_to_delete(deployment, token):
    others = mint(deployment, "globex")
    missing = "filter=userName+eq+%228d5a1c1e-0f0e-4b7a-9d0a-7a4b5f3c2d11%22"

    tested = deployment.scim("acme", token, "GET", f"/Users?{missing}")
    created = deployment.scim("acme", token, "POST", "/Users", json.dumps(BJENSEN))
    path = f"/Users/{created.json['id']}"
    disable = json.dumps(replace("active", "False"))
    disabled = deployment.scim("acme", token, "PATCH", path, disable)
    read = deployment.scim("acme", token, "GET", path)
    elsewhere = deployment.scim("globex", others, "GET", path)
    deleted = deployment.scim("acme", token, "DELETE", path)
    gone = deployment.scim("acme", token, "GET", path)

    assert (tested.status, tested.json["totalResults"]) == (200, 0)
    assert (created.status, created.json["userName"]) == (201, BJENSEN["userName"])
    assert created.headers["Location"] == f"https://acme.mypolicies.example/scim{path}"
    assert disabled.status in {200, 204}
    assert (read.status, read.json["active"]) == (200, False)
    assert (elsewhere.status, deleted.status, gone.status) == (404, 204, 404)


def test_figures_are_those_of_all_workers_and_name_no_person(deployment, token):
    port = int(deployment.environment["METRICS_PORT"])
    command = deployment.open("python manage.py metrics", "metrics")
    try:
        before = counted(port, SEARCHES)
        for _ in range(8):
            deployment.scim("acme", token, "GET", "/Users?filter=userName+eq+%22bjensen%22")
        refused = deployment.scim("acme", token, "GET", "/Users?filter=userName+eq")
        found = figures(port)
    finally:
        command.terminate()
        status = command.wait(WITHIN)

    assert (refused.status, status) == (400, 0)
    assert value(found, SEARCHES) == before + 8
    assert value(found, 'mypolicies_refusals_total{reason="filter.unreadable"}') >= 1
    of_users = 'request_database_seconds_{}{{method="GET",resource="users"}}'
    in_database = [value(found, f"mypolicies_{of_users.format(each)}") for each in ("count", "sum")]
    in_all = value(found, 'mypolicies_request_seconds_sum{resource="users"}')
    assert in_database[0] >= 8
    assert 0 < in_database[1] < in_all
    assert value(found, "mypolicies_database_up") == 1
    assert value(found, 'mypolicies_tenants{state="connected"}') >= 0
    assert not [secret for secret in ("bjensen", token, "@") if secret in found]


SEARCHES = 'mypolicies_requests_total{method="GET",resource="users",status="2xx"}'


def figures(port):
    """The page that Prometheus reads, once it is served."""
    pages = []

    def is_served():
        try:
            pages.append(send(port, "GET", "/metrics", None, {}))
        except ConnectionRefusedError:
            return False
        return True

    wait_until(is_served, "the figures were served")
    assert pages[-1].status == 200
    return pages[-1].text


def value(page, name):
    return float(next(line.split()[-1] for line in page.splitlines() if line.startswith(name)))


def counted(port, name):
    page = figures(port)
    return value(page, name) if name in page else 0


def test_the_screens_come_with_their_styles(deployment):
    """No collectstatic: the files are served from where they are."""
    page = deployment.request("acme", "GET", "/admin/login/")
    styles = deployment.request("acme", "GET", "/static/screens/screens.css")

    assert page.status == 200
    assert "/static/screens/screens.css" in page.text
    assert (styles.status, styles.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')


def test_the_log_begins_with_a_line_that_says_how_it_is_served(deployment):
    line = json.loads(deployment.log.splitlines()[0])

    processes = line["processes"]
    assert (line["message"], line["address"]) == ("Starting.", f"127.0.0.1:{deployment.port}")
    assert (line["threads"], line["connections"]) == (4, processes * 5 + 10)
    assert line["connections_allowed"] == 97


def test_a_finished_deployment_passes_the_deploy_check(deployment):
    owner = deployment.environment["DATABASE_URL"]
    sockets = database.socket_dir(deployment.folder / "postgresql")
    with psycopg.connect(host=sockets, user="postgres", autocommit=True) as superuser:
        superuser.execute("CREATE ROLE serving LOGIN")
    finished = {
        "DATABASE_URL": owner.replace(f"{database.ROLE}@", "serving@"),
        "MIGRATION_DATABASE_URL": owner,
        "EMAIL_HOST": "smtp.mypolicies.example",
        "TRUSTED_PROXIES": "127.0.0.1",
    }
    migrated = deployment.run("python manage.py migrate -v 0", **finished)
    done = deployment.run("python manage.py check --deploy --fail-level WARNING", **finished)

    assert migrated.returncode == 0, migrated.stderr  # which says how far it is, if it lasts
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (1 silenced).\n"


def test_the_deploy_check_asks_the_database_unasked(deployment):
    done = deployment.run("python manage.py check --deploy", WEB_CONCURRENCY="64")

    assert done.returncode == 1
    assert "(config.E001) PostgreSQL allows 97 connections, and 330 are needed" in done.stderr
    assert "(config.W002) EMAIL_HOST is not set" in done.stderr


def test_it_is_ready(deployment):
    answers = []

    def is_ready():  # within a second, or asked again
        answers.append(deployment.request("acme", "GET", "/readyz"))
        return answers[-1].status == 200

    wait_until(is_ready, "it was ready")
    assert answers[-1].text == "ready\n"


@pytest.mark.parametrize("line", ["deliver_events --once", "warn_of_expiry", "verify_audit --all"])
def test_the_commands_for_timers_work(deployment, line):
    deployment.manage(line)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "", "Set SECRET_KEY: outside development"),
        ("DATABASE_URL", "", "DATABASE_URL is not set, and the embedded PostgreSQL of "),
        ("DATABASE_URL", "mysql://h/d", "DATABASE_URL must look like "),
        ("PORT", "http", "PORT must be a number from 1 to 65535"),
        ("BIND", "localhost", "BIND must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, not "),
        ("TRUSTED_PROXIES", "*", "TRUSTED_PROXIES must be IP addresses or networks such as 10."),
        ("WEB_CONCURRENCY", "257", "WEB_CONCURRENCY must be a number from 1 to 256"),
        (
            "WEB_CONCURRENCY",
            "64",
            "PostgreSQL allows 97 connections, and 330 are needed: 5 for each of ",
        ),
        ("LOG_LEVEL", "loud", "LOG_LEVEL must be one of "),
    ],
)
def test_a_start_that_cannot_work_ends_with_one_line(deployment, name, value, sentence):
    refused = deployment.run(SERVE, **{name: value})

    assert refused.returncode == 1
    assert refused.stderr.startswith(sentence)
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("bind", ["0.0.0.0", "::"])  # noqa: S104
def test_a_container_can_publish_it_and_trust_its_proxy(deployment, token, bind):
    with deployment.beside(BIND=bind, TRUSTED_PROXIES="127.0.0.0/8") as published:
        for forwarded in ("203.0.113.9", "nonsense"):
            headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": forwarded}
            assert published.request("acme", "GET", "/scim/Users", headers=headers).status == 200

    lines = [json.loads(line) for line in published.log.splitlines()]
    at = f"[{bind}]" if ":" in bind else bind
    assert lines[0]["address"] == f"{at}:{published.port}"
    assert [line["address"] for line in lines if line.get("path") == "/scim/Users"] == [
        "203.0.113.9",
        "127.0.0.1",
    ]


def sign_in_form(deployment, custom_domain, email, password):
    """Body and headers of the form that a browser sends from the tenant's sign-in page."""
    page = deployment.request(custom_domain, "GET", "/admin/login/")
    [field] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    headers = {
        "Cookie": page.headers["Set-Cookie"].split(";")[0],
        "Origin": f"https://{custom_domain}.mypolicies.example",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    form = {"username": email, "password": password, "csrfmiddlewaretoken": field}
    return urlencode(form), headers


def test_nobody_notices_that_all_sessions_ended_while_they_were_idle(deployment, token):
    """Pages, sign-ins and refusals as little as requests that succeed; nor is a line of the log lost.

    Before the flood of wrong passwords, after which an address has to wait.
    """
    body, headers = sign_in_form(deployment, "acme", "tara@acme.example", "wrong")
    refused = json.dumps(BJENSEN | {"userName": ""})
    asked = {
        "page": partial(deployment.request, "globex", "GET", "/admin/login/"),
        "sign-in": partial(deployment.request, "acme", "POST", "/admin/login/", body, headers),
        "token": partial(deployment.request, "acme", "POST", "/scim/oauth/token", OAUTH, FORM),
        "list": partial(deployment.scim, "acme", token, "GET", "/Users?count=1"),
        "refusal": partial(deployment.scim, "acme", token, "POST", "/Users", refused),
        "stranger": partial(deployment.scim, "acme", "nobody", "GET", "/Users"),
    }
    before, rows = len(deployment.log), refusals_logged(deployment)

    met = {}
    for name, ask in asked.items():
        end_sessions(deployment)
        met[name] = [ask().status for _ in range(TIMES)]

    expected = {"page": 200, "sign-in": 200, "token": 401, "list": 200, "refusal": 400}
    assert met == {
        name: [status] * TIMES for name, status in (expected | {"stranger": 401}).items()
    }
    assert refusals_logged(deployment) == rows + TIMES
    assert '"level": "ERROR"' not in deployment.log[before:]


TIMES = 4  # of which some come to either worker, most likely; more wrong passwords would be refused
OAUTH = urlencode({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def superuser(deployment):
    """A connection to the deployment's PostgreSQL that ends nobody's turn."""
    url = deployment.environment["DATABASE_URL"].replace(f"{database.ROLE}@", "postgres@")
    return psycopg.connect(url, autocommit=True)


def end_sessions(deployment):
    """Have PostgreSQL end all sessions of others, and return when it has."""
    with superuser(deployment) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def refusals_logged(deployment):
    with superuser(deployment) as session:
        asked = "SELECT count(*) FROM t_acme.scim_provisioningevent WHERE status = 400"
        return session.execute(asked).fetchone()[0]


def test_a_flood_of_wrong_passwords_leaves_threads_to_provisioning(deployment, token):
    """16 connections at one tenant, which took every thread for as long as a hash takes."""
    body, headers = sign_in_form(deployment, "globex", "gus@globex.example", "wrong")
    ended, met = threading.Event(), set()

    def guess(_):
        while not ended.is_set():
            met.add(deployment.request("globex", "POST", "/admin/login/", body, headers).status)

    with ThreadPoolExecutor(16) as guessing:
        guessed = guessing.map(guess, range(16))
        try:
            wait_until(lambda: len(met) == 2, "guesses were refused for want of a place")
            read = [deployment.scim("acme", token, "GET", "/Users?count=1") for _ in range(30)]
        finally:
            ended.set()
        list(guessed)

    assert {answer.status for answer in read} == {200}
    assert met == {200, 429}


def test_staff_sign_in_through_the_proxy(deployment):
    """Forms are sent by HTTPS, which ends before us: no header of the proxy has to say so."""
    body, headers = sign_in_form(deployment, "admin", "alice@mypolicies.example", PASSWORD)

    entered = deployment.request("admin", "POST", "/admin/login/", body, headers)
    foreign = deployment.request(
        "admin", "POST", "/admin/login/", body, headers | {"Origin": "https://evil.example"}
    )

    assert (entered.status, entered.headers["Location"]) == (302, "/admin/you/")
    assert entered.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "__Host-sessionid=" in str(entered.headers)
    assert foreign.status == 403


def test_a_database_that_is_not_there_yet_is_waited_for(tmp_path):
    early = Deployment(tmp_path, "postgresql://mypolicies@127.0.0.1:1/mypolicies")
    early.start()
    try:
        refused = early.request("acme", "GET", "/scim/Users")
    finally:
        early.stop()

    assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    first = json.loads(early.log.splitlines()[0])
    assert first["message"] == "The database does not answer yet: requests wait for it."
    assert "Connection refused" in first["reason"]
