"""`manage.py up` while a node of the database is down; tests/e2e/test_up.py starts it whole."""

import pytest

from accounts import actions
from accounts.models import Account, SecretToken
from accounts.permissions import Role
from config.management.commands import up
from tenants import placement
from tenants.current import in_public, in_tenant
from tenants.models import Tenant
from tests.support import citus
from tests.tenants.test_schemas import forget_migrations, has_table

pytestmark = pytest.mark.one_node  # stands in for Citus

ACTOR = actions.Actor.command()
NOT_CREATED = ["  Demo tenant    is created at the next start, once all nodes answer."]


@pytest.fixture
def cluster(db):
    citus.install_catalog()


def demo():
    with in_public():
        return Tenant.objects.filter(custom_domain=up.DEMO).first()


def down():
    with in_public():
        return placement.down()


@pytest.mark.owner  # schemas are migrated
def test_the_tenants_on_other_nodes_are_migrated_and_the_log_names_the_node(
    cluster, acme, globex, caplog
):
    node = citus.lose(acme, "scim_eventstream")
    forget_migrations(globex)

    left_out = up.migrate()

    assert left_out == {f"{node}:5432": frozenset({"t_acme"})}
    assert not has_table(globex, "django_session")
    [line] = [each for each in caplog.records if each.name == up.__name__]
    assert (line.getMessage(), line.node, line.tenants) == (
        "A node of the database does not answer: its tenants wait.",
        f"{node}:5432",
        1,
    )


@pytest.mark.owner  # schemas are migrated
def test_a_migration_that_fails_ends_the_start(cluster, acme, globex):
    citus.lose(acme, "scim_eventstream")
    forget_migrations(globex)
    with in_tenant(globex), up.connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_session")

    with pytest.raises(up.CommandError) as refused:
        up.migrate()

    assert str(refused.value) == (
        "Not migrated:\n  t_acme: its node of the database does not answer"
        '\n  t_globex: table "django_session" does not exist'
    )


def test_nodes_are_named_with_their_tenants(cluster, acme):
    node = citus.lose(acme, "scim_eventstream")

    assert up.down_lines(down()) == [
        f"  Not answering  the node {node}:5432 of the database (tenants on it: 1)"
    ]


def test_a_first_start_leaves_the_demo_tenant_to_the_next(cluster, acme):
    name = citus.lose(acme, "scim_eventstream")
    assert up.demo_lines(ACTOR, down()) == NOT_CREATED
    assert demo() is None

    citus.bring_back(acme, "scim_eventstream", name)
    up.demo_lines(ACTOR, down())
    assert demo() is not None


def test_the_token_of_a_demo_tenant_on_that_node_stays(cluster, acme, globex):
    up.demo_lines(ACTOR, {})
    tenant = demo()
    place = placement.places()[tenant.schema_name].partition(":")[0]
    citus.stop_node(place)

    lines = up.demo_lines(ACTOR, down())

    assert lines == [f"  Tenant URL     {tenant.tenant_url}  (its node does not answer)"]
    with in_tenant(tenant):
        assert SecretToken.objects.filter(label=up.TOKEN_LABEL, revoked_at=None).count() == 1


def test_the_start_names_the_first_operator_to_sign_in_as(db):
    """The first account may be an auditor's, who could do nothing that the page after it needs."""
    for name in ("aude", "olaf"):
        actions.create_staff(ACTOR, f"{name}@mypolicies.example", "correct horse battery staple")
    with in_public():
        staff = Tenant.objects.get(is_operator=True)
    with in_tenant(staff):
        Account.objects.filter(email="aude@mypolicies.example").update(role=Role.AUDITOR)

    lines = up.make_staff(ACTOR)

    assert lines[2].startswith("  Sign in as     olaf@mypolicies.example  (a new password: ")
