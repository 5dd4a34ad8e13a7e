"""`make figures`, as it is run: on a database of its own, which is gone afterwards."""

import re
import subprocess
import sys

from django.conf import settings

from tests.support import environment
from tests.support.waiting import WITHIN

WAYS = (
    "PATCH of a user: active, family name and work e-mail",
    "Generate secret token, on the staff site",
    "First page of the tenant's portal",
)


def test_it_prints_the_sizes_of_each_package_and_the_three_ways():
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.figures"],
        cwd=settings.BASE_DIR,
        env=environment.own({"PATH": "/usr/bin:/bin", "DATA_DIR": str(settings.DATA_DIR)}),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^\| ([^|]+?) \| (\d+) \|", done.stdout, re.MULTILINE))
    assert {"config", "tenants", "accounts", "scim", "scim/protocol", "tests"} <= set(rows)
    assert [name for name in WAYS if int(rows[name]) < 20] == []
