"""Environment variables are read with their types, and a mistake names the variable."""

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.environment import EnvironmentVariableError, read_secret_key


def test_an_absent_or_empty_variable_has_the_default(monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    assert environment.number("PORT") == 8000

    monkeypatch.setenv("PORT", " ")
    assert environment.number("PORT") == 8000


@pytest.mark.parametrize("value", ["0", "65536", "-1", "8e3", "8000.0", "٨", "9" * 5000])
def test_a_number_out_of_range_is_refused_with_its_name(monkeypatch, value):
    monkeypatch.setenv("PORT", value)

    with pytest.raises(EnvironmentVariableError, match=r"^PORT must be a number from 1 to 65535"):
        environment.number("PORT")


@pytest.mark.parametrize(
    ("value", "address"),
    [("", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("[::]", "::"), ("::1", "::1")],  # noqa: S104
)
def test_an_address_is_one_of_either_kind(monkeypatch, value, address):
    monkeypatch.setenv("BIND", value)

    assert environment.address("BIND") == address


@pytest.mark.parametrize("value", ["localhost", "0.0.0.0:8000", "10.0.0.0/8", "*"])
def test_a_value_that_is_no_address_is_refused_with_its_name(monkeypatch, value):
    monkeypatch.setenv("BIND", value)

    with pytest.raises(EnvironmentVariableError) as refused:
        environment.address("BIND")

    assert str(refused.value) == (
        f"BIND must be an IP address such as 127.0.0.1, 0.0.0.0 or ::, not {value!r}."
    )


def test_a_path_is_absolute_and_knows_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA_DIR", "~/policies")

    assert environment.data_dir() == tmp_path / "policies"


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


def test_several_values_stand_between_commas(monkeypatch):
    monkeypatch.setenv("SECRET_KEY_FALLBACKS", " one,two , , one, with,, a comma,,,")

    assert environment.several("SECRET_KEY_FALLBACKS") == ["one", "two", "with, a comma,"]


def test_a_variable_that_is_not_set_has_no_values(monkeypatch):
    monkeypatch.delenv("SECRET_KEY_FALLBACKS", raising=False)

    assert environment.several("SECRET_KEY_FALLBACKS") == []


@pytest.mark.parametrize(("value", "read"), [("", "on"), ("on", "on"), ("OFF", "off")])
def test_a_choice_is_read_in_any_letter_case(monkeypatch, value, read):
    monkeypatch.setenv("PREPARED_STATEMENTS", value)

    assert environment.choice("PREPARED_STATEMENTS") == read


def test_a_choice_that_is_none_is_refused_with_its_name(monkeypatch):
    monkeypatch.setenv("PREPARED_STATEMENTS", "no")

    with pytest.raises(EnvironmentVariableError) as refused:
        environment.choice("PREPARED_STATEMENTS")

    assert str(refused.value) == "PREPARED_STATEMENTS must be one of on, off, not 'no'."
