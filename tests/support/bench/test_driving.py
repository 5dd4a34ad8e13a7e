"""The driver reads answers as HTTP has them, and ends the run when one is wrong."""

import itertools
import random

import pytest

from tests.support.bench import people
from tests.support.bench.driving import parsed
from tests.support.bench.operations import OPERATIONS, USUAL, Answer, Directory, WrongAnswerError

CHANCE = random.Random(1)  # noqa: S311  # made-up data
HEAD = b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\n"


def test_an_answer_ends_after_its_length():
    assert parsed(HEAD + b"Content-Length: 2\r\n\r\n{}") == Answer(200, b"{}")


def test_an_answer_in_chunks_is_joined():
    whole = HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n \r\n0\r\n\r\n"

    assert parsed(whole) == Answer(200, b"{} ")
    assert parsed(whole[:-2]) is None


@pytest.mark.parametrize("length", [0, 20, 55])
def test_an_answer_is_waited_for_while_a_part_is_missing(length):
    assert parsed((HEAD + b"Content-Length: 2\r\n\r\n{}")[:length]) is None


def test_an_answer_without_a_body_needs_no_length():
    assert parsed(b"HTTP/1.1 204 No Content\r\n\r\n") == Answer(204, b"")


def test_an_answer_of_unknown_length_ends_the_run():
    with pytest.raises(WrongAnswerError):
        parsed(HEAD + b"\r\n{}")


@pytest.fixture
def directory():
    return Directory(10, CHANCE, itertools.count(people.FRESH), iter(range(20, 25)))


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("answer", [Answer(500, b""), Answer(200, b"{}"), Answer(404, b"{}")])
def test_every_script_refuses_a_wrong_answer(name, answer, directory):
    script = OPERATIONS[name].script(directory)
    next(script)

    with pytest.raises(WrongAnswerError):
        script.send(answer)


def test_a_user_of_the_stock_is_taken_once(directory):
    script = OPERATIONS["delete"].script(directory)
    asked = [next(script)]

    asked += [script.send(Answer(204, b"")) for _ in range(4)]

    with pytest.raises(StopIteration):
        script.send(Answer(204, b""))
    assert [each.path for each in asked] == [
        f"/Users/{people.identifier(number)}" for number in range(20, 25)
    ]


def test_the_requests_about_one_user_go_to_one_tenant(directory):
    directory.tenants = 1000
    script = OPERATIONS["mix"].script(directory)
    next(script)
    tenant = directory.tenant

    script.send(Answer(200, b'{"totalResults":0}'))

    assert tenant == directory.tenant != 0


def test_a_usual_run_asks_for_nothing_that_peers_lack():
    assert set(OPERATIONS) - set(USUAL) == {"cursor", "sorted"}
