"""Passwords are hashed with Argon2id, and hashes of before are replaced (decision 0061)."""

from django.conf import settings
from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.test import override_settings

OURS = override_settings(PASSWORD_HASHERS=settings.PASSWORD_HASHERS)
PASSWORD = "correct horse battery staple"


@OURS
def test_a_password_is_hashed_with_argon2id():
    encoded = make_password(PASSWORD)

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert [check_password(PASSWORD, encoded), check_password("wrong", encoded)] == [True, False]


@OURS
def test_a_hash_of_before_is_replaced_when_its_password_is_given():
    former, kept = make_password(PASSWORD, hasher="pbkdf2_sha256"), []

    assert check_password(PASSWORD, former, setter=lambda raw: kept.append(make_password(raw)))
    assert [identify_hasher(each).algorithm for each in kept] == ["argon2"]
