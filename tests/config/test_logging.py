"""A log line is one JSON object; what it is given cannot forge another or smuggle a person in."""

import json
import logging

import pytest
from django.db import IntegrityError
from psycopg.errors import UniqueViolation

from config.environment import EnvironmentVariableError
from config.logging import JsonFormatter, configure


def line(message, *arguments, **others):
    record = logging.makeLogRecord(
        {"name": "a.b", "levelname": "INFO", "msg": message, "args": arguments, **others}
    )
    text = JsonFormatter().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_holds_the_message_and_what_was_given_beside_it():
    found = line("%s done", "All", created=0.0, status=200, tenant="acme")

    assert found == {
        "at": "1970-01-01T00:00:00.000+00:00",
        "level": "INFO",
        "logger": "a.b",
        "message": "All done",
        "status": 200,
        "tenant": "acme",
    }


@pytest.mark.parametrize("text", ['x\n{"level": "INFO"}', "\x1b[2J\r\u2028", "\ud800\0"])
def test_no_text_begins_a_new_line_or_reaches_the_terminal(text):
    found = line("%s", text, path=text)

    assert (found["message"], found["path"]) == (text, text)


@pytest.mark.parametrize("text", ["\x9b2J", "Jürgen", "\u2028"])
def test_a_line_is_ascii_so_that_no_terminal_obeys_what_a_client_made_up(text):
    record = logging.makeLogRecord({"name": "a.b", "msg": text, "path": text})

    assert JsonFormatter().format(record).isascii()


def test_a_query_string_is_cut_off():
    found = line("Error handling request %s", "/scim/Users?filter=userName+eq+%22tara%22")

    assert found["message"] == "Error handling request /scim/Users?…"


def test_an_exception_tells_its_types_and_places_but_not_its_message():
    cause = UniqueViolation("Key (email)=(tara@acme.example) already exists.")
    with pytest.raises(IntegrityError) as caught:
        raise IntegrityError("tara@acme.example") from cause

    found = line("It failed.", exc_info=(caught.type, caught.value, caught.tb))

    kinds = [each for each in found["exception"] if not each.startswith("  ")]
    assert kinds == ["IntegrityError", "UniqueViolation (SQLSTATE 23505)"]
    assert f"{__file__}:" in found["exception"][1]
    assert "tara" not in str(found)


def test_an_unknown_level_is_refused(monkeypatch):
    monkeypatch.setenv("LOG_LEVEL", "chatty")

    with pytest.raises(EnvironmentVariableError, match=r"^LOG_LEVEL must be one of DEBUG, INFO"):
        configure({})
