"""Secrets that are stored to be used again: bound to tenant and use, worth nothing elsewhere."""

from uuid import UUID

import pytest

from scim.events.signing import SealBroken, seal, unseal

ACME = UUID("019ab8c4-0000-7000-8000-00000000000a")
GLOBEX = UUID("019ab8c4-0000-7000-8000-00000000000b")


def test_a_sealed_secret_can_be_opened_and_not_read():
    sealed = seal(ACME, "webhook key", "whsec_\N{SNOWMAN}")

    assert unseal(ACME, "webhook key", sealed) == "whsec_\N{SNOWMAN}"
    assert "whsec" not in sealed


def test_equal_secrets_look_different():
    assert seal(ACME, "webhook key", "x") != seal(ACME, "webhook key", "x")


@pytest.mark.parametrize(("tenant", "use"), [(GLOBEX, "webhook key"), (ACME, "signing key")])
def test_another_tenant_or_use_opens_nothing(tenant, use):
    sealed = seal(ACME, "webhook key", "x")

    with pytest.raises(SealBroken):
        unseal(tenant, use, sealed)


def test_another_secret_key_opens_nothing(settings):
    sealed = seal(ACME, "webhook key", "x")
    settings.SECRET_KEY = "another one"

    with pytest.raises(SealBroken, match="SECRET_KEY has changed"):
        unseal(ACME, "webhook key", sealed)


def test_a_changed_seal_is_not_opened():
    head, key, iv, text, tag = seal(ACME, "webhook key", "secret").split(".")
    swapped = "B" if text[0] != "B" else "C"

    for spoiled in (f"{head}.{key}.{iv}.{swapped}{text[1:]}.{tag}", "x", "", "a.b.c.d.e"):
        with pytest.raises(SealBroken):
            unseal(ACME, "webhook key", spoiled)
