"""Secrets that are stored to be used again: bound to tenant and use, worth nothing elsewhere."""

from uuid import UUID

import pytest
from django.utils.crypto import salted_hmac
from joserfc import jwe
from joserfc.jwk import OctKey

from accounts.sealing import SealBroken, mark, seal, unseal

ACME = UUID("019ab8c4-0000-7000-8000-00000000000a")
GLOBEX = UUID("019ab8c4-0000-7000-8000-00000000000b")


def test_a_sealed_secret_can_be_opened_and_not_read():
    sealed = seal(ACME, "webhook key", "whsec_\N{SNOWMAN}")

    assert unseal(ACME, "webhook key", sealed) == "whsec_\N{SNOWMAN}"
    assert "whsec" not in sealed


def test_a_secret_that_an_earlier_release_sealed_can_be_opened():
    """Streams and signing keys keep what was sealed once; the code that sealed it may move."""
    derived = salted_hmac("scim.provider.sealing", f"webhook key:{ACME}", algorithm="sha256")
    key = OctKey.import_key(derived.digest())
    sealed = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, "whsec_x", key)

    assert unseal(ACME, "webhook key", sealed) == "whsec_x"


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


def test_a_former_key_opens_what_it_sealed_and_seals_nothing(settings):
    before = seal(ACME, "webhook key", "x")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another one", [settings.SECRET_KEY]
    after = seal(ACME, "webhook key", "y")

    assert unseal(ACME, "webhook key", before) == "x"
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(ACME, "webhook key", after) == "y"
    with pytest.raises(SealBroken, match="not among SECRET_KEY_FALLBACKS"):
        unseal(ACME, "webhook key", before)


def test_sealed_values_begin_with_the_mark_of_their_key(settings):
    before, former = seal(ACME, "webhook key", "x"), mark()
    settings.SECRET_KEY = "another one"

    assert before.startswith(former)
    assert not before.startswith(mark())
    assert seal(GLOBEX, "signing key", "x").startswith(mark())
