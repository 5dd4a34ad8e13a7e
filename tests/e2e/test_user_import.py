"""`manage.py user import` by several processes, each a copy of the command's own."""

import json
from urllib.parse import quote

import pytest

from tests.support.payloads import BJENSEN
from tests.support.server import DEMO

pytestmark = pytest.mark.e2e


def line(number, user_name):
    return json.dumps(BJENSEN | {"userName": user_name, "externalId": str(number)})


def found(server, expression):
    return server.scim("GET", f"/Users?filter={quote(expression)}&count=1").json["totalResults"]


def test_three_processes_create_what_one_does_and_name_refusals_in_order(server, tmp_path):
    server.manage("create_tenant", "globex", "--name", "Globex", "--admin", "gina@globex.example")
    file = tmp_path / "users.ndjson"
    refused = {120, 450}
    file.write_text(
        "\n".join(line(n, "" if n in refused else f"many{n:03}") for n in range(1, 501))
    )

    run = server.manage("user", "import", DEMO, str(file), "--processes", "3")

    assert run.returncode == 1
    assert [told.split(": ")[:2] for told in run.stdout.splitlines()] == [
        ["line 120", "400 invalidValue"],
        ["line 450", "400 invalidValue"],
    ]
    assert "498 users of demo0-qa created.\n" in run.stderr
    assert "2 lines were refused." in run.stderr
    assert found(server, 'userName sw "many"') == 498
    assert found(server, 'userName eq "many500"') == 1
    assert server.manage("user", "import", "globex", str(file), "--resume").stdout == run.stdout
