"""The key that signs sessions: given in production, made once in development."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import read_secret_key


def test_a_given_key_is_taken_and_none_is_made(tmp_path):
    assert read_secret_key("given", tmp_path, development=True) == "given"
    assert list(tmp_path.iterdir()) == []


def test_production_without_a_key_refuses_to_start(tmp_path):
    with pytest.raises(ImproperlyConfigured, match=r"^Set SECRET_KEY"):
        read_secret_key("", tmp_path, development=False)


def test_development_makes_a_long_key_once_that_nobody_else_can_read(tmp_path):
    data_dir = tmp_path / "new"

    key = read_secret_key("", data_dir, development=True)

    [file] = data_dir.iterdir()
    assert len(key) >= 50
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_secret_key("", data_dir, development=True) == key


def test_two_first_starts_agree_on_one_key(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        keys = list(pool.map(lambda _: read_secret_key("", tmp_path, development=True), range(2)))

    assert keys[0] == keys[1]
