"""scim-sanity, an independent suite, in its strict mode against a server process of its own.

The server stands in as the client's proxy too: no resolver knows the tenant's host.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support import conformance
from tests.support.server import new_server

pytestmark = pytest.mark.e2e

# myPolicies requires an externalId, which the suite sends only if told.
EXTRA = json.dumps({"externalId": "scim-sanity"})
# Drafts that no server has to know; the suite asks /ResourceTypes first.
OPTIONAL = {
    "Agent CRUD Lifecycle",
    "AgenticApplication CRUD Lifecycle",
    "Agent Rapid Lifecycle",
}


@pytest.fixture(scope="module")
def report():
    """The suite's report of one run."""
    program = Path(sys.executable).with_name("scim-sanity")
    with new_server() as server:
        server.start()
        asked = [server.tenant_url, "--token", server.token]
        asked += ["--proxy", f"http://127.0.0.1:{server.port}", "--extra-user-fields", EXTRA]
        done = subprocess.run(
            [program, "probe", *asked, "--strict", "--json-output", "--i-accept-side-effects"],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    return json.loads(done.stdout)


def test_every_check_passes(report):
    others = [each for each in report["results"] if each["status"] not in {"pass", "skip"}]

    assert others == []
    assert report["issues"] == []
    assert report["summary"]["passed"] == conformance.checks_of("scim-sanity")


def test_only_what_is_optional_is_skipped(report):
    skipped = {each["name"] for each in report["results"] if each["status"] == "skip"}

    assert skipped == OPTIONAL
    assert report["mode"] == "strict"
    assert report["scim_sanity_version"] == version("scim-sanity")
