"""`migrate` of the next release while the former program serves: no request fails, of about a thousand."""

import json
import shutil
import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from django.conf import settings

from tests.support.deployment import new_deployment
from tests.support.payloads import replace, user
from tests.support.waiting import wait_until

pytestmark = pytest.mark.e2e

TENANTS = ("acme", "globex")
CLIENTS = 4  # of each tenant
PARTS = ("config", "tenants", "accounts", "scim", "templates", "manage.py", "pyproject.toml")
# What the next release adds, by app: to tables that each request reads and writes, and to new ones.
MIGRATIONS = {
    "scim": (
        'migrations.AddField("attributechange", "made_up", models.TextField(null=True))',
        'migrations.AddField("provisioningevent", "made_up", models.IntegerField(db_default=0))',
        'migrations.AddField("resource", "made_up", models.TextField(null=True))',
        'migrations.AddIndex("resource", models.Index(fields=["made_up"], name="resource_made_up"))',
        'migrations.CreateModel("MadeUp", [("id", models.BigAutoField(primary_key=True))])',
        'migrations.RunSQL("SELECT pg_sleep(0.5)")',
    ),
    "accounts": (
        'migrations.AddField("auditentry", "made_up", models.JSONField(null=True))',
        'migrations.AddField("account", "made_up", models.TextField(db_default="", blank=True))',
        'migrations.AddField("secrettoken", "made_up", models.TextField(null=True))',
    ),
    "tenants": (
        'migrations.AddField("traffic", "made_up", models.TextField(null=True))',
        'migrations.AddField("tenant", "made_up", models.TextField(null=True))',
        (
            'migrations.CreateModel("MadeUp", [("id", models.BigAutoField(primary_key=True)),'
            ' ("tenant", models.ForeignKey("tenants.Tenant", models.CASCADE))])'
        ),
    ),
}
TEXT = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("{app}", "{last}"){further}]
    operations = [{operation}]
"""


def next_release(folder):
    """A copy of the program with further migrations."""
    for part in PARTS:
        source = settings.BASE_DIR / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy(source, folder / part)
    further = ""  # each app after the one before it
    for app, operations in MIGRATIONS.items():
        migrations = folder / app / "migrations"
        last = max(migrations.glob("0*.py")).stem
        for number, operation in enumerate(operations, start=1):
            name = f"9{number:03}_made_up"
            text = TEXT.format(app=app, last=last, operation=operation, further=further)
            (migrations / f"{name}.py").write_text(text)
            last = name
        further = f', ("{app}", "{last}")'
    return folder


@pytest.fixture(scope="module")
def deployment():
    with new_deployment() as made:
        made.environment |= {"WEB_CONCURRENCY": "2", "TENANT_RATE": "0"}
        made.manage("migrate")
        for name in TENANTS:
            made.manage(f"tenant create {name} --name {name} --admin admin@{name}.example")
        made.start()
        yield made


class Load:
    """Clients of the tenants, and the statuses that they met."""

    def __init__(self, deployment):
        self.met = Counter()
        self.refused = set()
        self.created = {}  # userName by path and tenant
        self._deployment = deployment
        self._tokens = {
            name: deployment.manage(f"token mint {name} --label Entra --days 30").strip()
            for name in TENANTS
        }
        self._stopping = threading.Event()

    @contextmanager
    def running(self):
        """They work meanwhile."""
        clients = [
            threading.Thread(target=self._work, args=(name, number))
            for name in TENANTS
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        try:
            yield self
        finally:
            self._stopping.set()
            for client in clients:
                client.join()

    def ask(self, tenant, method, path, body=None):
        """The answer to a request; its status is counted."""
        sent = body and json.dumps(body)
        answer = self._deployment.scim(tenant, self._tokens[tenant], method, path, sent)
        self.met[answer.status] += 1
        if answer.status >= 400:
            self.refused.add(answer.text)
        return answer

    def further(self, number):
        """Return when so many further requests were answered."""
        until = self.met.total() + number
        wait_until(lambda: self.met.total() >= until, f"{number} further requests were answered")

    def _work(self, tenant, client):
        number = 0
        while not self._stopping.is_set():
            number += 1
            self._live(tenant, f"p{client}-{number}")

    def _live(self, tenant, name):
        body = user(name)
        made = self.ask(tenant, "POST", "/Users", body)
        if made.status != 201:
            return
        path = f"/Users/{made.json['id']}"
        self.created[tenant, path] = body["userName"]
        self.ask(tenant, "PATCH", path, replace("title", name))
        self.ask(tenant, "GET", f"/Users?filter=userName+eq+%22{body['userName']}%22")
        self.ask(tenant, "PATCH", path, replace("active", "False"))
        self.ask(tenant, "GET", path)


def test_no_request_fails_while_the_next_release_migrates_and_none_is_lost(deployment, tmp_path):
    """Its migrations change first what requests use last: each would wait for the other."""
    folder = next_release(tmp_path)

    with Load(deployment).running() as load:
        load.further(200)
        migrated = deployment.run(f"cd {folder} && python manage.py migrate")
        load.further(200)
        wait_until(lambda: load.met.total() >= 1_000, "a thousand requests were answered")

    assert migrated.returncode == 0, migrated.stderr
    assert set(load.met) == {200, 201}, load.refused
    assert deployment.run(f"cd {folder} && python manage.py migrate --check").returncode == 0
    for (tenant, path), name in load.created.items():
        assert load.ask(tenant, "GET", path).json["userName"] == name
