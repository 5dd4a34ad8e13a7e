"""Minting, revoking and moving secret tokens: who may, what is kept, what the audit log says."""

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import connection

from accounts import actions, tokens
from accounts.actions import ActionRefused, Actor, AllowedFrom, NotPermitted, Overlap, TokenRequest
from accounts.models import AuditEntry, SecretToken
from accounts.permissions import Role
from accounts.tokens import TokenRefused
from tenants import clock
from tenants.current import in_tenant

NOW = "2026-11-25T09:30:00Z"


@time_machine.travel(NOW, tick=False)
def test_staff_mint_a_token_for_a_tenant_admin(acme, tara, alice):
    minted = actions.mint_token(alice, acme, TokenRequest("Microsoft Entra ID", tara.email, 365))

    with in_tenant(acme):
        token = SecretToken.objects.select_related("issued_for").get()
    assert tokens.is_well_formed(minted.value)
    assert bytes(token.digest) == tokens.digest(acme.id, minted.value)
    assert token.public_id == tokens.public_id(bytes(token.digest))
    assert token.label == "Microsoft Entra ID"
    assert token.issued_for == tara
    assert token.created_by == "alice@mypolicies.example (staff)"
    assert token.expires_at == clock.now() + timedelta(days=365)


def test_the_value_is_stored_nowhere_and_shown_by_no_repr(acme, minted):
    assert minted.value[8:51] not in repr(minted)
    with connection.cursor() as cursor:
        for table in ("accounts_secrettoken", "accounts_auditentry"):
            cursor.execute(f"SELECT r::text FROM {acme.schema_name}.{table} r")
            assert minted.value[8:51] not in repr(cursor.fetchall())


def test_the_admin_account_may_be_named_by_id(acme, tara, alice):
    minted = actions.mint_token(alice, acme, TokenRequest("Entra", tara.id, 90))

    assert minted.token.issued_for == tara


def test_several_tokens_may_live_side_by_side(acme, tara, alice):
    values = [mint(alice, acme, tara).value for _ in range(3)]

    assert [is_accepted(acme, value) for value in values] == [True, True, True]


@time_machine.travel(NOW, tick=False)
def test_a_new_token_leaves_the_others_as_they_are(acme, tara, alice):
    others = [mint(alice, acme, tara), mint(alice, acme, tara)]
    new = mint(alice, acme, tara)

    assert new.replaced == ()
    last = clock.now() + timedelta(days=90, seconds=-1)
    assert [is_accepted(acme, each.value, last) for each in (*others, new)] == [True, True, True]


@pytest.mark.parametrize("named_by", ["id", "public_id"])
def test_a_replaced_token_can_be_revoked_at_once_and_no_other_is(named_by, acme, tara, alice):
    former, other = mint(alice, acme, tara), mint(alice, acme, tara)
    new = mint(alice, acme, tara, getattr(former.token, named_by), overlap=Overlap.NONE)

    assert [is_accepted(acme, each.value) for each in (former, other, new)] == [False, True, True]


@pytest.mark.parametrize(
    ("overlap", "time"),
    [(Overlap.DAY, timedelta(hours=24)), (Overlap.WEEK, timedelta(days=7))],
)
@time_machine.travel(NOW, tick=False)
def test_replaced_tokens_end_after_the_overlap_and_no_other_does(
    acme, tara, command, overlap, time
):
    former = mint(command, acme, tara)
    endless = actions.mint_token(command, acme, TokenRequest("Agent", tara.id, None, "no renewal"))
    other = mint(command, acme, tara)
    new = mint(command, acme, tara, former.token.id, endless.token.public_id, overlap=overlap)

    assert {str(token) for token in new.replaced} == {str(former.token), str(endless.token)}
    for value in (former.value, endless.value):
        assert is_accepted(acme, value, clock.now() + time - timedelta(seconds=1))
        assert not is_accepted(acme, value, clock.now() + time)
    assert is_accepted(acme, other.value, clock.now() + time)


@time_machine.travel(NOW, tick=False)
def test_an_overlap_never_prolongs_a_token(acme, tara, alice):
    short = actions.mint_token(alice, acme, TokenRequest("Short", tara.id, 1))
    mint(alice, acme, tara, short.token.id)

    assert not is_accepted(acme, short.value, clock.now() + timedelta(days=1))


def test_a_token_of_another_tenant_is_not_replaced(acme, globex, tara, gus, alice):
    theirs = mint(alice, globex, gus)

    for named in (theirs.token.id, theirs.token.public_id):
        with pytest.raises(ActionRefused) as refused:
            mint(alice, acme, tara, named, overlap=Overlap.NONE)
        assert str(refused.value) == f"Acme Ltd has no secret token {named}."
    assert is_accepted(globex, theirs.value)
    with in_tenant(acme):
        assert not SecretToken.objects.exists()


def test_a_token_that_has_ended_is_not_replaced(acme, tara, alice):
    former = mint(alice, acme, tara).token
    actions.revoke_token(alice, acme, former.id)

    with pytest.raises(ActionRefused) as refused:
        mint(alice, acme, tara, former.id)

    assert str(refused.value) == f"The secret token {former} has ended already."


def test_a_token_may_live_for_ever_when_a_reason_is_given(acme, tara, command):
    request = TokenRequest("Agent", tara.id, None, "  no one can renew it there  ")
    token = actions.mint_token(command, acme, request).token

    assert (token.expires_at, token.no_expiry_reason) == (None, "no one can renew it there")


def test_the_reason_is_kept_only_where_there_is_no_expiry(acme, tara, alice):
    token = actions.mint_token(alice, acme, TokenRequest("Agent", tara.id, 90, "why not")).token

    assert token.no_expiry_reason == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"days": 0}, "A secret token expires after 1 to 730 days."),
        ({"days": 731}, "A secret token expires after 1 to 730 days."),
        (
            {"days": None},
            "The reason why the token never expires must be one line of 1 to 200 characters.",
        ),
        ({"label": "  "}, "The label must be one line of 1 to 100 characters."),
        ({"label": 101 * "x"}, "The label must be one line of 1 to 100 characters."),
        ({"label": "a\nb"}, "The label must be one line of 1 to 100 characters."),
        ({"label": "a\0b"}, "The label must be one line of 1 to 100 characters."),
        ({"label": "a\ud800b"}, "The label must be one line of 1 to 100 characters."),
        ({"issued_for": "gus@globex.example"}, "Acme Ltd has no account gus@globex.example."),
        (
            {"issued_for": UUID(int=1)},
            "Acme Ltd has no account 00000000-0000-0000-0000-000000000001.",
        ),
    ],
)
@pytest.mark.usefixtures("gus")
def test_a_token_that_may_not_be_is_not_minted(acme, tara, command, change, sentence):
    wanted = {"label": "Entra", "issued_for": tara.id, "days": 90} | change

    with pytest.raises(ActionRefused) as refused:
        actions.mint_token(command, acme, TokenRequest(**wanted))

    assert str(refused.value) == sentence
    with in_tenant(acme):
        assert not SecretToken.objects.exists()


def test_a_refused_request_leaves_the_live_tokens_alone(acme, tara, alice):
    live = mint(alice, acme, tara)

    request = TokenRequest("Entra", tara.id, 0, "", (live.token.id,), Overlap.NONE)
    with pytest.raises(ActionRefused):
        actions.mint_token(alice, acme, request)

    assert is_accepted(acme, live.value)


def test_a_token_is_issued_for_an_active_admin_only(acme, tara, alice, command):
    actions.create_account(command, acme, "tom@acme.example", "Tom", Role.MEMBER)

    with pytest.raises(ActionRefused) as refused:
        actions.mint_token(alice, acme, TokenRequest("Entra", "tom@acme.example", 90))

    assert str(refused.value) == (
        "tom@acme.example is not an active tenant admin: a secret token is issued for one."
    )


def test_a_token_can_be_revoked_by_public_id_and_by_id(acme, tara, alice):
    first, second = mint(alice, acme, tara), mint(alice, acme, tara)

    actions.revoke_token(alice, acme, first.token.public_id.upper())
    actions.revoke_token(alice, acme, second.token.id)

    assert not is_accepted(acme, first.value)
    assert not is_accepted(acme, second.value)


def test_of_two_revocations_the_first_counts(acme, minted, alice, command):
    first = actions.revoke_token(alice, acme, minted.token.id)
    second = actions.revoke_token(command, acme, minted.token.id)

    assert first.revoked_by == "alice@mypolicies.example (staff)"
    assert (second.revoked_at, second.revoked_by) == (first.revoked_at, first.revoked_by)
    assert acts(acme).count("secret token revoked") == 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("0a1b2c3d", "Acme Ltd has no secret token 0a1b2c3d."),
        (UUID(int=1), "Acme Ltd has no secret token 00000000-0000-0000-0000-000000000001."),
        ("0a1b\0c3d", "The token's id must be one line of 1 to 8 characters."),
        ("0a1b2c3d4", "The token's id must be one line of 1 to 8 characters."),
    ],
)
def test_an_unknown_token_cannot_be_revoked(acme, alice, name, sentence):
    with pytest.raises(ActionRefused) as refused:
        actions.revoke_token(alice, acme, name)

    assert str(refused.value) == sentence


def test_a_token_of_another_tenant_cannot_be_revoked(globex, minted, alice):
    with pytest.raises(ActionRefused) as refused:
        actions.revoke_token(alice, globex, minted.token.public_id)

    assert str(refused.value) == f"{globex} has no secret token {minted.token.public_id}."


def test_a_token_moves_to_another_admin_and_keeps_its_value(acme, minted, alice, command):
    tim = actions.create_account(command, acme, "tim@acme.example", "Tim", Role.ADMIN)

    actions.move_token(alice, acme, minted.token.public_id, "tim@acme.example")

    with in_tenant(acme):
        assert tokens.verify(acme.id, minted.value, clock.now()).account_id == tim.id


def test_a_token_does_not_move_to_an_account_that_is_no_active_admin(acme, minted, alice, command):
    actions.create_account(command, acme, "tom@acme.example", "Tom", Role.MEMBER)

    with pytest.raises(ActionRefused):
        actions.move_token(alice, acme, minted.token.id, "tom@acme.example")

    with in_tenant(acme):
        assert SecretToken.objects.get().issued_for.email == "tara@acme.example"


def test_a_tenant_admin_may_not_mint_revoke_or_move(acme, tara, minted):
    actor = Actor.account(tara, acme, None)

    with pytest.raises(NotPermitted):
        mint(actor, acme, tara)
    with pytest.raises(NotPermitted):
        actions.revoke_token(actor, acme, minted.token.id)
    with pytest.raises(NotPermitted):
        actions.move_token(actor, acme, minted.token.id, tara.id)

    assert is_accepted(acme, minted.value)


@time_machine.travel(NOW, tick=False)
def test_minting_is_audited_in_the_tenant_and_with_staff(acme, tara, alice, operator):
    token = mint(alice, acme, tara).token
    details = {
        "issued_for": "tara@acme.example",
        "expires": "2027-02-23T09:30:00+00:00",
        "no_expiry_reason": "",
        "replaces": [],
    }

    assert last_entry(acme) == {
        "actor": "alice@mypolicies.example (staff)",
        "act": "secret token minted",
        "subject": f"Entra ({token.public_id})",
        "details": details,
        "address": "192.0.2.7",
    }
    assert last_entry(operator) == last_entry(acme) | {"details": {"tenant": "acme", **details}}


def test_the_end_of_each_replaced_token_is_audited(acme, tara, alice):
    first = mint(alice, acme, tara).token
    second = mint(alice, acme, tara, first.id).token
    mint(alice, acme, tara, first.id, second.id, overlap=Overlap.NONE)

    assert last_entry(acme)["details"]["replaces"] == [
        str(token) for token in sorted([first, second], key=lambda token: token.id)
    ]
    assert acts(acme) == [
        "account created",
        "secret token minted",
        "secret token set to expire",
        "secret token minted",
        "secret token revoked",
        "secret token revoked",
        "secret token minted",
    ]


def test_moving_is_audited(acme, minted, alice, command):
    actions.create_account(command, acme, "tim@acme.example", "Tim", Role.ADMIN)

    actions.move_token(alice, acme, minted.token.id, "tim@acme.example")

    assert last_entry(acme) == {
        "actor": "alice@mypolicies.example (staff)",
        "act": "secret token moved",
        "subject": f"Microsoft Entra ID ({minted.token.public_id})",
        "details": {"from": "tara@acme.example", "to": "tim@acme.example"},
        "address": "192.0.2.7",
    }


def mint(actor, tenant, admin, *replaces, overlap=Overlap.WEEK):
    request = TokenRequest("Entra", admin.id, 90, replaces=replaces, overlap=overlap)
    return actions.mint_token(actor, tenant, request)


def is_accepted(tenant, value, now=None, address=None):
    with in_tenant(tenant):
        try:
            tokens.verify(tenant.id, value, now or clock.now(), address)
        except TokenRefused:
            return False
    return True


def acts(tenant):
    with in_tenant(tenant):
        return list(AuditEntry.objects.order_by("id").values_list("act", flat=True))


def last_entry(tenant):
    with in_tenant(tenant):
        return AuditEntry.objects.values("actor", "act", "subject", "details", "address").first()


def test_a_restricted_token_keeps_its_value_and_the_audit_log_tells_of_the_list(
    acme, operator, minted, alice
):
    allowed = AllowedFrom("203.0.113.0/24, 2001:db8::/32")
    token = actions.restrict_token(alice, acme, minted.token.public_id, allowed)

    assert token.allowed_networks == "203.0.113.0/24 2001:db8::/32"
    assert is_accepted(acme, minted.value, address="203.0.113.7")
    assert not is_accepted(acme, minted.value, address="198.51.100.9")
    details = {"allowed_networks": ["203.0.113.0/24", "2001:db8::/32"], "entra_ranges_of": None}
    for tenant, more in ((acme, {}), (operator, {"tenant": "acme"})):
        with in_tenant(tenant):
            entry = AuditEntry.objects.first()
        assert (entry.act, entry.subject) == ("secret token's addresses changed", str(token))
        assert entry.details == details | more


def test_a_list_that_leaves_out_an_address_in_use_has_to_be_confirmed(acme, minted, alice):
    note_use(acme, minted.token, "198.51.100.9", clock.now())
    with pytest.raises(ActionRefused) as refused:
        actions.restrict_token(alice, acme, minted.token.pk, AllowedFrom("203.0.113.0/24"))

    assert (refused.value.reason, refused.value.field) == ("token.leaves-out", "allowed_networks")
    assert str(refused.value) == (
        f"{minted.token} was last used from 198.51.100.9, which is not in this list: add it, or"
        " confirm that requests from there may be refused."
    )
    assert is_accepted(acme, minted.value, address="198.51.100.9")
    confirmed = AllowedFrom("203.0.113.0/24", leaves_out_used=True)
    actions.restrict_token(alice, acme, minted.token.pk, confirmed)
    assert not is_accepted(acme, minted.value, address="198.51.100.9")


def test_an_address_of_long_ago_is_not_asked_about(acme, minted, alice):
    note_use(acme, minted.token, "198.51.100.9", clock.now() - timedelta(days=8))

    token = actions.restrict_token(alice, acme, minted.token.pk, AllowedFrom("203.0.113.0/24"))

    assert token.allowed_networks == "203.0.113.0/24"


@pytest.mark.parametrize(("replaces", "is_asked"), [("used", True), ("", True), ("other", False)])
def test_a_new_tokens_list_is_compared_with_the_tokens_that_end_else_with_all(
    acme, tara, alice, replaces, is_asked
):
    used, other = mint(alice, acme, tara).token, mint(alice, acme, tara).token
    note_use(acme, used, "198.51.100.9", clock.now())
    named = {"used": (used.pk,), "other": (other.public_id,), "": ()}[replaces]
    request = TokenRequest(
        "New", tara.email, 90, replaces=named, allowed_from=AllowedFrom("203.0.113.0/24")
    )

    if is_asked:
        with pytest.raises(ActionRefused, match="was last used from"):
            actions.mint_token(alice, acme, request)
    else:
        minted = actions.mint_token(alice, acme, request)
        assert not is_accepted(acme, minted.value, address="198.51.100.9")


def test_a_list_that_cannot_be_read_changes_nothing(acme, minted, alice):
    with pytest.raises(ActionRefused) as refused:
        actions.restrict_token(alice, acme, minted.token.pk, AllowedFrom("203.0.113.7/24"))

    assert (refused.value.reason, refused.value.field) == ("token.networks", "allowed_networks")
    assert is_accepted(acme, minted.value, address="198.51.100.9")


def test_only_staff_who_mint_change_a_tokens_addresses(acme, globex, tara, gus, minted):
    for account, home in ((tara, acme), (gus, globex)):
        with pytest.raises(NotPermitted):
            actions.restrict_token(
                Actor.account(account, home, None), acme, minted.token.pk, AllowedFrom("10.0.0.1")
            )


def test_another_tenants_token_is_not_restricted(acme, globex, gus, alice):
    theirs = mint(alice, globex, gus)

    with pytest.raises(ActionRefused, match="Acme Ltd has no secret token"):
        actions.restrict_token(alice, acme, theirs.token.pk, AllowedFrom("10.0.0.1"))
    assert is_accepted(globex, theirs.value, address="198.51.100.9")


def note_use(tenant, token, address, at):
    with in_tenant(tenant):
        SecretToken.objects.filter(pk=token.pk).update(last_used_at=at, last_used_address=address)
