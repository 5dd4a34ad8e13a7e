"""The tests have an environment of their own: what a developer has set changes no result."""

import os
import subprocess
import sys

from django.conf import settings

from tests.docs.test_readme import documented
from tests.support import environment

SHOW_SETTINGS = """
import os
from tests import settings
print({name: getattr(settings, name) for name in dir(settings) if name.isupper()})
print(sorted(os.environ.items()))
"""


def shown(variables):
    """The settings and the environment of tests that run where these variables are set."""
    return subprocess.run(
        [sys.executable, "-c", SHOW_SETTINGS],
        cwd=settings.BASE_DIR,
        env=variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_no_setting_of_the_developer_reaches_the_tests(tmp_path):
    """The value is one that the product would refuse or obey, whatever the variable."""
    where = {"DATA_DIR": str(tmp_path), "DATABASE_URL": ""}  # this alone is the developer's to say
    bare = {"PATH": os.environ["PATH"], **where}
    theirs = dict.fromkeys(documented("Settings"), "27431")

    assert set(theirs) > set(where)
    assert shown({**theirs, **bare}) == shown(bare)


def test_nothing_else_of_the_machine_reaches_them_either():
    theirs = {
        "PATH": "/usr/bin",
        "DATABASE_URL": "postgresql://localhost/tests",
        "LD_PRELOAD": "libfaketime.so",
        "COLUMNS": "20",
        "DJANGO_COLORS": "dark",
        "DJANGO_SETTINGS_MODULE": "their.settings",
        "FORCE_COLOR": "1",
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "tr_TR.ISO-8859-9",
        "PGHOST": "db.acme.example",
        "PGOPTIONS": "-c search_path=theirs",
        "PYTHONOPTIMIZE": "2",
        "PYTHONWARNINGS": "ignore",
        "TZ": "Pacific/Auckland",
        "https_proxy": "http://proxy.acme.example:3128",
    }

    assert environment.own(theirs) == {
        "PATH": "/usr/bin",
        "DATABASE_URL": "postgresql://localhost/tests",
        "LD_PRELOAD": "libfaketime.so",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "LANG": "C.UTF-8",
        "TENANT_RATE": "0",
    }


def test_the_tests_run_with_it():
    made_by_django = {"TZ": settings.TIME_ZONE}

    assert dict(os.environ) == environment.own(os.environ) | made_by_django
