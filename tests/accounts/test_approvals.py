"""Credentials that a second person approves: who may do what, in which order, and for how long."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management.base import CommandError

from accounts import actions
from accounts.actions import ActionRefused, Actor, AllowedFrom, ClientRequest, Overlap, TokenRequest
from accounts.actions.approvals import (
    approve_credential,
    decline_credential,
    generate_approved,
    request_credential,
    require_approval,
    stop_requiring_approval,
)
from accounts.actions.clients import SecretRequest
from accounts.actions.performing import NotPermitted
from accounts.models import AuditEntry, CredentialRequest, OAuthClient, SecretToken
from accounts.permissions import Role
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Mail
from tests.support.clients import ScimClient
from tests.support.commands import run
from tests.support.oauth import KEY

NOW = "2026-11-25T09:30:00Z"


@pytest.fixture
def staff(operator, command):
    """`staff(name, role)`: an actor of staff."""

    def made(name, role=Role.SUPPORT):
        account = actions.create_account(
            command, operator, f"{name}@mypolicies.example", name.title(), role
        )
        return Actor.account(account, operator, "192.0.2.8")

    return made


@pytest.fixture
def bob(staff):
    """Another member of the support team."""
    return staff("bob")


@pytest.fixture
def required(acme, command):
    require_approval(command, acme)


@pytest.fixture
def wanted(tara):
    return TokenRequest("Entra", tara.email, 365)


def reason_of(call, *arguments):
    with pytest.raises(ActionRefused) as refused:
        call(*arguments)
    return refused.value.reason


def acts(tenant):
    with in_tenant(tenant):
        return list(AuditEntry.objects.order_by("id").values_list("act", "actor"))


def test_one_requests_another_approves_and_the_first_one_generates(
    acme, operator, alice, bob, required, wanted
):
    asked = request_credential(alice, acme, wanted)
    approve_credential(bob, acme, asked.pk)
    minted = generate_approved(alice, acme, asked.pk)

    assert ScimClient(acme, minted.value).get("/Users").status == 200
    expected = [
        ("secret token requested", alice.name),
        ("secret token approved", bob.name),
        ("secret token minted", alice.name),
    ]
    assert acts(acme)[-3:] == acts(operator)[-3:] == expected


def test_the_rule_keeps_one_person_from_minting(acme, alice, command, required, wanted):
    assert reason_of(actions.mint_token, alice, acme, wanted) == "token.needs-approval"
    assert reason_of(actions.mint_token, command, acme, wanted) == "token.needs-approval"


def test_the_rule_of_one_tenant_is_nothing_to_another(acme, globex, gus, alice, required):
    minted = actions.mint_token(alice, globex, TokenRequest("Entra", gus.email, 365))

    assert minted.token.label == "Entra"


def test_the_rule_of_staffs_own_tenant_stands_for_all(
    acme, globex, gus, operator, alice, command, wanted
):
    require_approval(command, operator)
    theirs = TokenRequest("Entra", gus.email, 365)

    assert reason_of(actions.mint_token, alice, acme, wanted) == "token.needs-approval"
    assert reason_of(actions.mint_token, alice, globex, theirs) == "token.needs-approval"

    stop_requiring_approval(command, operator)
    assert actions.mint_token(alice, globex, theirs).token.label == "Entra"


def test_nobody_approves_their_own_request(acme, alice, required, wanted):
    asked = request_credential(alice, acme, wanted)

    assert reason_of(approve_credential, alice, acme, asked.pk) == "token.second-person"
    assert reason_of(generate_approved, alice, acme, asked.pk) == "token.not-approved"


def test_a_command_requests_and_never_approves(acme, alice, command, required, wanted):
    asked = request_credential(alice, acme, wanted)

    with pytest.raises(NotPermitted):
        approve_credential(command, acme, asked.pk)


def test_the_second_person_does_not_get_the_token(acme, alice, bob, required, wanted):
    asked = request_credential(alice, acme, wanted)
    approve_credential(bob, acme, asked.pk)

    assert reason_of(generate_approved, bob, acme, asked.pk) == "token.second-person"


def test_an_approval_is_good_for_one_token(acme, alice, bob, required, wanted):
    asked = request_credential(alice, acme, wanted)
    approve_credential(bob, acme, asked.pk)
    generate_approved(alice, acme, asked.pk)

    assert reason_of(generate_approved, alice, acme, asked.pk) == "token.not-approved"
    with in_tenant(acme):
        assert SecretToken.objects.count() == 1


@pytest.mark.parametrize("decided", [False, True])
def test_a_request_ends_after_a_day(acme, alice, bob, required, wanted, decided):
    with time_machine.travel(NOW, tick=False) as clocks:
        asked = request_credential(alice, acme, wanted)
        if decided:
            approve_credential(bob, acme, asked.pk)
        clocks.shift(timedelta(hours=24))

        if decided:
            assert reason_of(generate_approved, alice, acme, asked.pk) == "token.not-approved"
        else:
            assert reason_of(approve_credential, bob, acme, asked.pk) == "action.too-late"


def test_a_declined_request_stays_declined_and_says_why(acme, alice, bob, required, wanted):
    asked = request_credential(alice, acme, wanted)
    decline_credential(bob, acme, asked.pk, "Nobody knows of it.")

    assert reason_of(approve_credential, bob, acme, asked.pk) == "action.too-late"
    assert reason_of(generate_approved, alice, acme, asked.pk) == "token.not-approved"
    with in_tenant(acme):
        assert AuditEntry.objects.first().details["reason"] == "Nobody knows of it."


def test_a_rotation_waits_and_the_old_token_ends_when_the_new_one_is_generated(
    acme, tara, alice, bob, minted, required
):
    allowed = AllowedFrom("203.0.113.0/24", leaves_out_used=True)
    rotation = TokenRequest("New", tara.id, 90, "", (minted.token.pk,), Overlap.NONE, allowed)
    asked = request_credential(alice, acme, rotation)
    approve_credential(bob, acme, asked.pk)
    before = ScimClient(acme, minted.value).get("/Users").status
    new = generate_approved(alice, acme, asked.pk)

    assert before == 200
    assert ScimClient(acme, minted.value).get("/Users").status == 401
    assert [each.pk for each in new.replaced] == [minted.token.pk]
    assert new.token.allowed_networks == "203.0.113.0/24"
    assert new.token.expires_at - new.token.created_at == timedelta(days=90)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"days": 9_999}, "action.range"),
        ({"label": ""}, "action.text"),
        ({"days": None, "no_expiry_reason": "Legacy"}, "token.endless"),
        ({"issued_for": "nobody@acme.example"}, None),
        ({"allowed_from": AllowedFrom("nowhere")}, "token.networks"),
    ],
)
def test_a_request_is_refused_for_the_reasons_of_minting(
    acme, alice, required, tara, change, reason
):
    values = {"label": "Entra", "issued_for": tara.email, "days": 365} | change
    found = reason_of(request_credential, alice, acme, TokenRequest(**values))

    assert reason in {None, found}
    with in_tenant(acme):
        assert not CredentialRequest.objects.exists()


def test_a_request_leaves_no_token_and_no_value(acme, alice, required, wanted):
    asked = request_credential(alice, acme, wanted)

    with in_tenant(acme):
        assert not SecretToken.objects.exists()
    assert "mypscim_" not in str(asked.asked)


def test_credentials_of_oauth_clients_are_no_way_around(acme, tara, alice, created, required):
    request = ClientRequest("Entra", tara.email, years=1)

    assert reason_of(actions.create_oauth_client, alice, acme, request) == "client.needs-approval"
    assert (
        reason_of(actions.add_client_secret, alice, acme, created.client.pk, 1)
        == "client.needs-approval"
    )


def test_an_oauth_client_is_requested_approved_and_made_as_it_was_requested(
    acme, operator, tara, alice, bob, required
):
    allowed = AllowedFrom("203.0.113.0/24")
    wanted = ClientRequest("Directory", tara.pk, years=2, allowed_from=allowed)
    asked = request_credential(alice, acme, wanted)
    with in_tenant(acme):
        before = OAuthClient.objects.count()
    approve_credential(bob, acme, asked.pk)
    made = generate_approved(alice, acme, asked.pk)

    assert (before, "mypscim_" in str(asked.asked)) == (0, False)
    assert (made.client.label, made.client.issued_for) == ("Directory", tara)
    assert made.client.allowed_networks == "203.0.113.0/24"
    assert made.secret.expires_at - made.secret.created_at == timedelta(days=730)
    assert made.value.startswith("mypscim_secret_")
    expected = [
        ("OAuth client requested", alice.name),
        ("OAuth client approved", bob.name),
        ("OAuth client created", alice.name),
        ("client secret added", alice.name),
    ]
    assert acts(acme)[-4:] == acts(operator)[-4:] == expected
    with in_tenant(acme):
        assert CredentialRequest.objects.get().token_public_id == made.secret.public_id


def test_a_client_with_public_keys_is_approved_too_and_gets_no_secret(
    acme, tara, alice, bob, required
):
    keys = json.dumps({"keys": [KEY.as_dict(private=False)]})
    asked = request_credential(alice, acme, ClientRequest("Signer", tara.email, public_keys=keys))
    approve_credential(bob, acme, asked.pk)

    made = generate_approved(alice, acme, asked.pk)

    assert (made.secret, made.value) == (None, "")
    assert [key["kid"] for key in made.client.public_keys["keys"]] == ["entra-1"]


def test_a_further_client_secret_is_approved_too(acme, alice, bob, created, required):
    asked = request_credential(alice, acme, SecretRequest(created.client.pk, 3))
    approve_credential(bob, acme, asked.pk)
    made = generate_approved(alice, acme, asked.pk)

    assert (asked.kind, asked.label) == ("secret", created.client.label)
    assert made.client == created.client
    with in_tenant(acme):
        assert created.client.secrets.count() == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"years": 9}, "action.range"),
        ({"label": ""}, "action.text"),
        ({"public_keys": "{}"}, "client.keys"),
        ({"allowed_from": AllowedFrom("nowhere")}, "token.networks"),
    ],
)
def test_a_request_of_a_client_is_refused_for_the_reasons_of_adding_one(
    acme, tara, alice, required, change, reason
):
    values = {"label": "Directory", "issued_for": tara.email} | change

    assert reason_of(request_credential, alice, acme, ClientRequest(**values)) == reason
    with in_tenant(acme):
        assert not CredentialRequest.objects.exists()


def test_a_secret_of_a_client_that_was_revoked_meanwhile_is_not_made(
    acme, alice, bob, command, created, required
):
    asked = request_credential(alice, acme, SecretRequest(created.client.pk, 1))
    approve_credential(bob, acme, asked.pk)
    actions.revoke_oauth_client(command, acme, created.client.pk)

    assert reason_of(generate_approved, alice, acme, asked.pk) == "action.too-late"


def test_the_commands_for_clients_request_and_generate_their_own_kind(acme, tara, bob):
    run("token", "approval", "acme", "on")
    out, err = run("client", "create", "acme", "--label", "Directory")
    with in_tenant(acme):
        asked = CredentialRequest.objects.get()
    assert out == ""
    assert err.splitlines()[-1] == f"Then: manage.py client generate acme {asked.pk}"
    approve_credential(bob, acme, asked.pk)
    with pytest.raises(CommandError, match="has no such request"):
        run("token", "generate", "acme", str(asked.pk))

    out, err = run("client", "generate", "acme", str(asked.pk))
    with in_tenant(acme):
        client = OAuthClient.objects.get()
    _, further = run("client", "add-secret", "acme", str(client.pk))

    assert out.startswith("mypscim_secret_")
    assert f"Client id: {client.pk}, for tara@acme.example" in err
    assert "Then: manage.py client generate acme" in further


def test_those_who_may_switch_the_rule_are_not_those_who_mint_alone(acme, tara, staff):
    support, lead, operator = (
        staff("sue"),
        staff("leo", Role.SUPPORT_LEAD),
        staff("otto", Role.OPERATOR),
    )
    admin = Actor.account(tara, acme, None)

    with pytest.raises(NotPermitted):
        require_approval(support, acme)
    for actor in (lead, admin):
        require_approval(actor, acme)
        with pytest.raises(NotPermitted):
            stop_requiring_approval(actor, acme)
    stop_requiring_approval(operator, acme)
    assert [act for act, _ in acts(acme)[-2:]] == [
        "approval of credentials required",
        "approval of credentials no longer required",
    ]


def test_another_tenants_request_is_not_found(acme, globex, alice, bob, required, wanted):
    asked = request_credential(alice, acme, wanted)

    assert reason_of(approve_credential, bob, globex, asked.pk) == "action.not-found"


def test_staff_who_may_approve_are_told_by_mail(acme, alice, bob, required, wanted):
    request_credential(alice, acme, wanted)

    with in_public():
        mails = Mail.objects.filter(template="approval.txt")
        accounts = {mail.account_id for mail in mails}
        assert {mail.tenant_id for mail in mails} == {acme.pk}
        assert [mail.values for mail in mails] == 2 * [
            {
                "label": "Entra",
                "noun": "secret token",
                "screen": "admin:accounts_credentialrequest_changelist",
            }
        ]
    assert len(accounts) == 2


def test_the_command_requests_and_prints_the_token_after_the_approval(acme, tara, bob):
    run("token", "approval", "acme", "on")
    out, err = run("token", "mint", "acme", "--label", "Entra")
    with in_tenant(acme):
        asked = CredentialRequest.objects.get()
    assert out == ""
    assert err.splitlines() == [
        f"Requested: somebody of staff has to approve it until {asked.expires_at:%Y-%m-%d %H:%M} UTC.",
        f"Then: manage.py token generate acme {asked.pk}",
    ]
    with pytest.raises(CommandError, match="has not been approved"):
        run("token", "generate", "acme", str(asked.pk))

    approve_credential(bob, acme, asked.pk)
    out, _ = run("token", "generate", "acme", str(asked.pk))

    assert ScimClient(acme, out.strip()).get("/Users").status == 200
    assert asked.expires_at - clock.now() <= timedelta(hours=24)
