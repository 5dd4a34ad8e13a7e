"""A tenant moves to another installation, on another PostgreSQL, as a file: Entra goes on there."""

import json
import secrets

import pytest

from tests.support.deployment import new_deployment
from tests.support.payloads import BJENSEN, replace, user

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def here():
    with new_deployment() as made:
        made.manage("migrate")
        for name in ("acme", "globex"):
            made.manage(f"tenant create {name} --name {name} --admin admin@{name}.example")
        made.start()
        yield made


@pytest.fixture(scope="module")
def there():
    """Another cluster with a tenant of its own."""
    with new_deployment() as made:
        made.manage("migrate")
        made.manage("tenant create globex --name Globex --admin gus@globex.example")
        made.start()
        yield made


def mint(deployment, name):
    return deployment.manage(f"token mint {name} --label Entra --days 30").strip()


@pytest.fixture(scope="module")
def moved(here, there, tmp_path_factory):
    """acme's token, and the file that was restored there; bjensen is renamed, and jsmith deleted."""
    token = mint(here, "acme")

    def ask(method, path, body=None):
        return here.scim("acme", token, method, path, body and json.dumps(body)).json

    made = ask("POST", "/Users", BJENSEN)
    ask("PATCH", f"/Users/{made['id']}", replace("title", "Head of Tours"))
    ask("POST", "/Groups", {"displayName": "Guides", "members": [{"value": made["id"]}]})
    gone = ask("POST", "/Users", user("jsmith"))
    here.scim("acme", token, "DELETE", f"/Users/{gone['id']}")
    file = tmp_path_factory.mktemp("moved") / "acme.zip"
    here.manage(f"tenant backup acme {file}")
    there.manage(f"tenant restore {file}")
    return token, file


def read(deployment, token):
    """Everything that a client with the token can read."""
    found = []
    for path in ("/Users", "/Groups", "/Schemas"):
        answer = deployment.scim("acme", token, "GET", path)
        assert answer.status == 200
        found.append(answer.json)
    return found


def test_the_token_of_the_first_installation_reads_the_same_in_the_second(here, there, moved):
    token, _ = moved

    users, groups, _ = read(there, token)

    assert (users["totalResults"], groups["totalResults"]) == (1, 1)
    assert users["Resources"][0]["title"] == "Head of Tours"
    assert read(there, token) == read(here, token)


def test_changes_go_on_there_and_leave_the_first_installation_alone(here, there, moved):
    token, _ = moved
    [found] = there.scim("acme", token, "GET", "/Users").json["Resources"]
    path = f"/Users/{found['id']}"

    changed = there.scim("acme", token, "PATCH", path, json.dumps(replace("title", "Director")))
    created = there.scim("acme", token, "POST", "/Users", json.dumps(user("jsmith")))

    assert (changed.status, created.status) == (200, 201)
    assert here.scim("acme", token, "GET", path).json["title"] == "Head of Tours"


def test_the_chain_of_the_audit_log_holds_and_goes_on(there, moved):
    there.manage("token mint acme --label Second --days 30")

    assert "acme" in there.manage("audit verify acme")


def test_other_tenants_have_their_own_people_and_tokens(there, moved):
    token, _ = moved

    assert there.scim("globex", token, "GET", "/Users").status == 401
    assert there.scim("globex", mint(there, "globex"), "GET", "/Users").json["totalResults"] == 0


def test_a_tenant_that_is_there_is_not_restored_over(there, moved):
    _, file = moved

    refused = there.run(f"python manage.py tenant restore {file}")

    assert refused.returncode == 1
    assert "The tenant of this file is here" in refused.stderr


def test_another_secret_key_is_named_when_a_tenant_is_restored(here, there, moved, tmp_path):
    """Tokens are good under any key; secrets that are sealed under one are not."""
    file = tmp_path / "globex.zip"
    token = mint(here, "globex")
    here.manage(f"tenant backup globex {file}")

    restored = there.run(
        f"python manage.py tenant restore {file} --as globex-2",
        SECRET_KEY=secrets.token_urlsafe(50),
    )

    assert restored.returncode == 0
    assert "SECRET_KEY" in restored.stderr
    assert there.scim("globex-2", token, "GET", "/Users").status == 200


def test_secrets_of_another_secret_key_are_resealed_after_a_restore(here, there, tmp_path):
    """The key of the file is a former one to the installation that it is restored in."""
    file, former = tmp_path / "umbrella.zip", here.environment["SECRET_KEY"]
    here.manage("tenant create umbrella --name Umbrella --admin admin@umbrella.example")
    here.manage(
        "stream create umbrella --label SIEM --method webhook --endpoint https://siem.example/"
    )
    here.manage(f"tenant archive umbrella {file}")
    own = {"SECRET_KEY": secrets.token_urlsafe(50)}
    both = own | {"SECRET_KEY_FALLBACKS": f"another, {former.replace(',', ',,')}"}

    restored = there.run(f"python manage.py tenant restore {file}", **both)
    before = there.run("python manage.py secrets list umbrella --json", **own)
    resealed = there.run("python manage.py secrets reseal umbrella", **both)
    after = there.run("python manage.py secrets list umbrella --json", **own)

    assert "SECRET_KEY" not in restored.stderr
    assert [row["key"] for row in json.loads(before.stdout)] == ["unknown"]
    assert resealed.stdout == "umbrella: secrets resealed: 1\n"
    assert json.loads(after.stdout) == []
