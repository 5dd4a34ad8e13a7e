"""`make seed`: of the product's packages alone, once, and on an empty database."""

import subprocess
import sys
import tomllib

import pytest
from django.conf import settings
from django.core.management import CommandError
from packaging.requirements import Requirement

from accounts.models import Account, IdentityProvider
from accounts.sso import documents
from tenants import clock, lifecycle
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support.seed import accounts, filling, story
from tests.support.seed.accounts import ACME, COLLEAGUES, OTHERS, STAFF

IMPORT_IT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages}:
            raise ImportError(f"{{name}} is for tests only")

sys.meta_path.insert(0, Refuse())
import django
django.setup()
import tests.support.seed.filling, tests.support.seed.accounts
"""


def packages_for_tests():
    """The modules of what is installed for tests only, by the common rule for their names."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())
    asked = map(Requirement, project["dependency-groups"]["dev"])
    return {each.name.replace("-", "_") for each in asked}


def test_it_needs_no_package_that_serving_does_not_need():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_IT.format(packages=packages_for_tests())],
        cwd=settings.BASE_DIR,
        capture_output=True,
        check=False,
        text=True,
    )

    assert {"pytest", "time_machine", "hypothesis"} <= packages_for_tests()
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def seeded(acme, globex, operator):
    """The registry and staff after a whole run; of the smaller tenants the rows alone."""
    with in_public():
        for custom_domain, name, _ in OTHERS:
            Tenant.objects.get_or_create(
                custom_domain=custom_domain,
                defaults={"name": name, "schema_name": f"t_{custom_domain}"},
            )
    filling.add_staff()


def test_a_second_run_finds_all_of_it(seeded):
    assert filling.is_filled()


def test_a_database_with_a_part_of_it_is_refused_in_one_line(acme, globex, operator):
    with pytest.raises(CommandError) as refused:
        filling.fill(5, clock.now())

    assert str(refused.value) == (
        "There is a tenant acme already, and it is not of a whole seed: nothing was changed. "
        f"Take an empty database: remove {settings.DATA_DIR}, or set another DATA_DIR."
    )
    with in_tenant(operator):
        assert not Account.objects.exists()


def test_made_up_data_are_for_development_only(settings, db):
    settings.DEVELOPMENT = False

    with pytest.raises(CommandError, match="Made-up data belong on BASE_DOMAIN"):
        filling.fill(5, clock.now())


def test_every_account_is_printed_with_its_site_and_the_password():
    printed = "\n".join(accounts.lines(is_new=True))

    people = [email for email, _, _ in (*STAFF, *COLLEAGUES)]
    admins = [email for _, _, email in (ACME, *OTHERS)]
    assert [email for email in (*people, *admins) if f" {email} " not in printed] == []
    for custom_domain in ("admin", "acme", "globex", "initech", "hooli", "vandelay"):
        assert f"  {Tenant(custom_domain=custom_domain).base_url}/admin/" in printed
    assert "'correct horse battery staple'" in printed
    assert "nothing was changed" not in printed


def test_the_operator_who_may_be_there_already_is_left_as_is(operator):
    lifecycle.create_operator_tenant()
    filling.add_staff()
    filling.add_staff()

    with in_tenant(operator):
        assert set(Account.objects.values_list("email", "role")) == {
            (email, role.value) for email, _, role in STAFF
        }


def test_single_sign_on_is_there_untested_and_off_and_the_worker_asks_nobody(acme):
    story.set_up_single_sign_on(acme, clock.now())

    with in_tenant(acme):
        found = {each.kind: each for each in IdentityProvider.objects.all()}
    assert sorted(found) == ["oidc", "saml"]
    assert [(each.is_read, each.is_enabled, each.tested_at) for each in found.values()] == 2 * [
        (True, False, None)
    ]
    assert documents.tenants_due() == []
