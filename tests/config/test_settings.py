"""`manage.py settings` prints the one table of settings; README.md and the environment file are made of it."""

import ast
import json
import re

import pytest
from django.conf import settings

from config.variables import VARIABLES, Kind
from tests.support import variables
from tests.support.commands import run

ALLOWED = {
    ("config/environment.py", "get"),
    ("config/server/embedded.py", "items"),  # passes on what is set to PostgreSQL's programs
    ("config/gunicorn.py", "get"),  # gunicorn's own, of a master that another one has started
    ("config/metrics.py", "setdefault"),  # names a folder to prometheus_client
    ("config/starting.py", "setdefault"),  # DJANGO_SETTINGS_MODULE, as the next two
    ("config/wsgi.py", "setdefault"),
    ("manage.py", "setdefault"),
}
PASSWORD = "s3cret-of-the-database"


def printed(monkeypatch, **values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    out, _ = run("settings", "--json")
    return {row["setting"]: row for row in json.loads(out)}


def test_each_setting_is_printed_with_its_value_and_its_meaning(monkeypatch):
    rows = printed(monkeypatch, PORT="8123", EMAIL_HOST="")

    assert list(rows) == list(VARIABLES)
    assert rows["PORT"] == {
        "setting": "PORT",
        "value": "8123",
        "set": True,
        "type": "number",
        "default": "8000",
        "meaning": "the port there",
    }
    assert (rows["EMAIL_HOST"]["value"], rows["EMAIL_HOST"]["set"]) == ("", False)


def test_no_secret_is_printed(monkeypatch):
    secrets = {name: f"hidden-{name}" for name, row in VARIABLES.items() if row.is_secret}
    urls = {name: row for name, row in VARIABLES.items() if row.kind == Kind.DATABASE}
    given = secrets | dict.fromkeys(
        urls, f"postgresql://me:{PASSWORD}@db.example/policies?sslmode=require"
    )

    rows = printed(monkeypatch, **given)

    text = json.dumps(rows)
    assert PASSWORD not in text
    assert "hidden-" not in text
    assert rows["DATABASE_URL"]["value"] == (
        "dbname=policies host=db.example password=******** sslmode=require user=me"
    )
    assert rows["SECRET_KEY"]["value"] == "********"


def test_a_database_url_that_cannot_be_read_is_masked(monkeypatch):
    rows = printed(monkeypatch, DATABASE_URL=f"postgresql://me:{PASSWORD}%zz@db.example/policies")

    assert rows["DATABASE_URL"]["value"] == "********"


@pytest.mark.parametrize("name", [name for name, row in VARIABLES.items() if row.is_secret])
def test_a_secret_has_no_default(name):
    assert VARIABLES[name].default == ""


def test_the_environment_is_read_by_one_module():
    """Another reader would be missing in the table, in the documents and in `manage.py settings`."""
    assert set(readers()) == ALLOWED


def readers():
    """Each use of the environment in the program: the file, and the method that is called on it."""
    roots = ("config", "tenants", "accounts", "scim")
    files = [file for root in roots for file in (settings.BASE_DIR / root).rglob("*.py")]
    for file in (*files, settings.BASE_DIR / "manage.py"):
        text = file.read_text()
        if not re.search("environ|getenv", text):
            continue
        tree = ast.parse(text)
        methods = {
            id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
        }
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(attr="environ" | "environb" | "getenv" as used):
                    yield (
                        str(file.relative_to(settings.BASE_DIR)),
                        methods.get(id(node), used),
                    )
                case ast.ImportFrom(module="os", names=names):
                    for each in names:
                        if each.name in {"environ", "environb", "getenv"}:
                            yield str(file.relative_to(settings.BASE_DIR)), each.name


def test_the_table_in_the_readme_is_made_of_the_table():
    assert variables.readme() == variables.README.read_text()


def test_the_environment_file_is_made_of_the_table():
    assert variables.environment_file() == variables.FILE.read_text()


def test_each_variable_is_in_the_environment_file_but_those_of_development():
    lines = [line.lstrip("#").partition("=")[0] for line in variables.FILE.read_text().splitlines()]

    wanted = [name for name, row in VARIABLES.items() if not row.for_development]
    assert sorted(name for name in lines if name in VARIABLES) == sorted(wanted)
