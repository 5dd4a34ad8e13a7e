"""Environment variables are read with their types, and a mistake names the variable."""

import pytest

from config import environment
from config.environment import EnvironmentVariableError


def test_an_absent_or_empty_variable_has_the_default(monkeypatch):
    monkeypatch.delenv("PORT", raising=False)
    assert environment.number("PORT", 8000, most=65_535) == 8000

    monkeypatch.setenv("PORT", " ")
    assert environment.number("PORT", 8000, most=65_535) == 8000


@pytest.mark.parametrize("value", ["0", "65536", "-1", "8e3", "8000.0", "٨", "9" * 5000])
def test_a_number_out_of_range_is_refused_with_its_name(monkeypatch, value):
    monkeypatch.setenv("PORT", value)

    with pytest.raises(EnvironmentVariableError, match=r"^PORT must be a number from 1 to 65535"):
        environment.number("PORT", 8000, most=65_535)


def test_a_path_is_absolute_and_knows_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA_DIR", "~/policies")

    assert environment.data_dir() == tmp_path / "policies"
