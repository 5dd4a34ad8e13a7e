"""Creating, suspending and resuming tenants, and their further host names, as audited actions."""

import pytest

from accounts import actions, audit
from accounts.actions import ActionRefused, NotPermitted
from accounts.models import Account, AuditEntry
from tenants.current import in_tenant
from tenants.models import Domain, Tenant
from tests.support import citus, database


def test_a_new_tenant_has_its_first_admin_who_has_no_password_yet(operator, command):
    tenant = actions.create_tenant(command, "initech", "Initech Inc", "Ina@initech.example")

    with in_tenant(tenant):
        admin = Account.objects.get()
    assert (tenant.custom_domain, tenant.name) == ("initech", "Initech Inc")
    assert (admin.email, admin.role) == ("ina@initech.example", "admin")
    assert (admin.is_active, admin.has_usable_password()) == (True, False)


def test_the_creation_is_audited_in_the_tenant_and_with_staff(operator, command):
    tenant = actions.create_tenant(command, "initech", "Initech Inc", "ina@initech.example")
    details = {"name": "Initech Inc", "admin": "ina@initech.example"}

    assert last_entry(tenant) == ("tenant created", "initech", details)
    assert last_entry(operator) == ("tenant created", "initech", {"tenant": "initech", **details})


def test_a_tenant_can_be_created_before_there_is_a_staff_tenant(acme, command):
    Tenant.objects.filter(is_operator=True).update(is_operator=False)

    tenant = actions.create_tenant(command, "initech", "Initech Inc", "ina@initech.example")

    assert last_entry(tenant)[0] == "tenant created"


def test_a_tenant_with_its_admin_invitation_and_audit_is_few_messages(real_tenants, command):
    """Two entries are three statements in staff's log, and one in the new log, which nobody else sees."""
    invited = "tara@umbrella.example"
    made = database.sent(
        lambda: actions.create_tenant(command, "umbrella", "Umbrella", invited, invites=True)
    )
    umbrella, operator = Tenant.objects.get(custom_domain="umbrella"), staff_tenant()

    # one asks whose rights it has
    assert (len(made), made[0][:5], made[-1]) == (19, "BEGIN", "COMMIT")
    assert sum(message.startswith("SAVEPOINT") for message in made) == 1
    assert last_entries(umbrella) == [
        ("account invited", invited, {"role": "admin", "e-mail": "queued"}),
        ("tenant created", "umbrella", {"name": "Umbrella", "admin": invited}),
    ]
    assert [act for act, *_ in last_entries(operator)] == ["account invited", "tenant created"]
    for tenant in (umbrella, operator):
        with in_tenant(tenant):
            assert audit.verify_chain() is None
    database.drop(umbrella)


def test_a_tenant_without_a_valid_admin_is_not_created(operator, command):
    with pytest.raises(ActionRefused) as refused:
        actions.create_tenant(command, "initech", "Initech Inc", "ina")

    assert str(refused.value) == "'ina' is not an e-mail address."
    assert not Tenant.objects.filter(custom_domain="initech").exists()


@pytest.mark.parametrize("custom_domain", ["acme", "ACME", "admin", "www", "-x", "a.b", "", "ä"])
def test_a_custom_domain_that_is_taken_reserved_or_no_label_is_refused(
    acme, operator, command, custom_domain
):
    with pytest.raises(ActionRefused):
        actions.create_tenant(command, custom_domain, "Initech Inc", "ina@initech.example")


def test_suspending_and_resuming_are_audited(acme, operator, command):
    actions.suspend_tenant(command, acme)
    assert Tenant.objects.get(id=acme.id).is_suspended
    assert last_entry(acme) == ("tenant suspended", "acme", {})
    assert last_entry(operator) == ("tenant suspended", "acme", {"tenant": "acme"})

    actions.resume_tenant(command, acme)
    assert not Tenant.objects.get(id=acme.id).is_suspended
    assert last_entry(acme) == ("tenant resumed", "acme", {})


def test_a_tenant_whose_node_of_the_database_is_down_can_be_suspended(acme, operator, command):
    citus.install_catalog()
    citus.lose(acme, "accounts_auditentry")

    actions.suspend_tenant(command, acme)

    assert Tenant.objects.get(id=acme.id).is_suspended
    details = {"tenant": "acme", "node": "did not answer"}
    assert last_entry(operator) == ("tenant suspended", "acme", details)


def test_a_further_host_name_is_added_and_removed(acme, command):
    actions.add_host(command, acme, "SCIM.acme.example")
    assert list(Domain.objects.values_list("domain", "tenant_id")) == [
        ("scim.acme.example", acme.id)
    ]
    assert last_entry(acme) == ("host added", "scim.acme.example", {})

    actions.remove_host(command, acme, "Scim.acme.example")
    assert not Domain.objects.exists()
    assert last_entry(acme) == ("host removed", "scim.acme.example", {})


def test_a_host_name_of_another_tenant_is_refused(acme, globex, command):
    actions.add_host(command, acme, "scim.acme.example")

    with pytest.raises(ActionRefused):
        actions.add_host(command, globex, "scim.acme.example")
    with pytest.raises(ActionRefused):
        actions.remove_host(command, globex, "scim.acme.example")

    assert Domain.objects.get().tenant_id == acme.id


def test_support_may_not_touch_tenants(acme, alice):
    with pytest.raises(NotPermitted) as refused:
        actions.create_tenant(alice, "initech", "Initech Inc", "ina@initech.example")
    assert str(refused.value) == "Your role does not include this."

    with pytest.raises(NotPermitted):
        actions.suspend_tenant(alice, acme)
    with pytest.raises(NotPermitted):
        actions.resume_tenant(alice, acme)
    with pytest.raises(NotPermitted):
        actions.add_host(alice, acme, "scim.acme.example")
    with pytest.raises(NotPermitted):
        actions.remove_host(alice, acme, "scim.acme.example")


def staff_tenant():
    return Tenant.objects.get(is_operator=True)


def last_entries(tenant):
    with in_tenant(tenant):
        return list(AuditEntry.objects.values_list("act", "subject", "details")[:2])


def last_entry(tenant):
    with in_tenant(tenant):
        return AuditEntry.objects.values_list("act", "subject", "details").first()


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("-", "tenant.domain-invalid"),
        ("admin", "tenant.domain-reserved"),
        ("acme", "tenant.domain-taken"),
    ],
)
def test_a_refused_action_carries_its_reason(domain, reason, acme, command):
    with pytest.raises(ActionRefused) as refused:
        actions.create_tenant(command, domain, "Another Inc", "ina@initech.example")

    assert refused.value.reason == reason
