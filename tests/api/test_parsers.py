"""SCIM JSON in: what could hurt is refused before anything interprets it (docs/security.md)."""

import io

import pytest

from scim.api.bodies import parse, read
from scim.protocol.errors import ContentTooLarge, InvalidSyntax
from scim.protocol.values import MAX_DEPTH, MAX_NAMES


def test_a_json_document_is_read():
    assert parse('{"userName": "Zoë 😀", "active": true, "n": 1.5}'.encode()) == {
        "userName": "Zoë 😀",
        "active": True,
        "n": 1.5,
    }


def test_a_byte_order_mark_is_ignored():
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "no body"),
        (b"  ", "no body"),
        (b"{", "line 1, column 2"),
        (b'{"a": 1} trailing', "not JSON"),
        (b"\xff{}", "not UTF-8"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'[{"a": ["\\u0000"]}]', "NUL"),
        (b'{"a": NaN}', "not finite"),
        (b'{"a": -Infinity}', "not finite"),
        (b'{"a": 1e999999}', "out of range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out of range"),
        (b'{"a": 1, "a": 2}', "repeats a member"),
        (b"[" * 100_000, "nests more than"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nests more than"),
    ],
)
def test_unacceptable_json_is_refused_with_the_reason(body, detail):
    with pytest.raises(InvalidSyntax) as refusal:
        parse(body)

    assert detail in refusal.value.detail


def test_the_refusal_never_repeats_the_body():
    with pytest.raises(InvalidSyntax) as refusal:
        parse(b'{"password": "t1meMa$heen" "x"}')

    assert "t1meMa$heen" not in refusal.value.detail


def test_nesting_up_to_the_limit_is_read_and_brackets_in_strings_do_not_count():
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert parse(b'["' + b"[{" * 100 + b'"]') == ["[{" * 100]


@pytest.mark.parametrize("before", [b'"a",' * 200, b'"[\\"{",' * 200, b" " * 5_000, b"1," * 5_000])
def test_nesting_counts_whatever_stands_before_it(before):
    with pytest.raises(InvalidSyntax, match="nests"):
        parse(b"[" + before + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"]")


def test_the_number_of_members_is_limited_for_the_whole_document():
    members = ",".join(f'{{"a{number}": 1}}' for number in range(MAX_NAMES + 1))

    with pytest.raises(InvalidSyntax, match="members"):
        parse(f"[{members}]".encode())


@pytest.mark.parametrize("hostile", [b'\\"', b"\\", b'"', b'"\\', b"a"])
def test_checking_the_depth_of_a_hostile_string_takes_linear_time(hostile):
    """Quadratic, it would not end within hours."""
    body = b"[" * 32 + b"]" * 32 + b'"' + hostile * 500_000

    with pytest.raises(InvalidSyntax):
        parse(body)


def test_a_body_that_is_announced_too_large_is_refused_unread():
    class Untouchable(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("The body was read.")

    with pytest.raises(ContentTooLarge):
        read(Untouchable(), {"CONTENT_LENGTH": "1001"}, 1_000)


def test_a_body_that_turns_out_too_large_is_refused():
    with pytest.raises(ContentTooLarge):
        read(io.BytesIO(b" " * 1_001), {}, 1_000)
