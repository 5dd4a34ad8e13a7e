"""The system checks, each against a setting or role that would break the separation of tenants."""

from types import SimpleNamespace

import pytest

from tenants import checks


def codes(messages):
    return [message.id for message in messages]


def test_the_projects_own_settings_and_models_pass():
    assert checks.check_settings() == []
    assert checks.check_no_table_is_in_both() == []


def test_each_table_of_an_app_in_the_registry_and_in_tenants_is_an_error(settings):
    settings.SHARED_APPS = [*settings.SHARED_APPS, "scim"]
    tables = sorted(name for name in checks.tenant_tables() if name.startswith("scim_"))

    errors = checks.check_no_table_is_in_both()

    assert tables[0] == "scim_attributechange"
    assert [(each.id, each.msg) for each in errors] == [
        ("tenants.E001", f"The table {name} is in public and in each tenant.") for name in tables
    ]


GOOD = {
    "DATABASES": {"default": {"ENGINE": "tenants.backend"}},
    "TENANT_LIMIT_SET_CALLS": True,
    "STATIC_URL": "/static/",
    "INSTALLED_APPS": ["tenants", "django_tenants"],
}
BAD = {
    "tenants.E002": {"DATABASES": {"default": {"ENGINE": "django.db.backends.postgresql"}}},
    "tenants.E003": {"TENANT_LIMIT_SET_CALLS": False},
    "tenants.E004": {"STATIC_URL": "static/"},
    "tenants.E005": {"INSTALLED_APPS": ["django_tenants", "tenants"]},
}


@pytest.mark.parametrize("code", BAD)
def test_a_setting_that_breaks_the_separation_is_an_error(code, monkeypatch):
    monkeypatch.setattr(checks, "settings", SimpleNamespace(**GOOD | BAD[code]))

    assert codes(checks.check_settings()) == [code]


def test_the_role_of_the_tests_passes_the_deploy_check(db):
    assert checks.check_role(databases=["default"]) == []


def test_the_role_is_not_asked_for_without_a_database():
    assert checks.check_role() == []
