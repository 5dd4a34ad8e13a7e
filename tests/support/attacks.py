"""Requests as nobody should send them, for Hypothesis to draw from: each is one Attack.

Most are a sound request with something wrong in one place, so that they get far before they fail.
"""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from hypothesis import strategies as st

from tests.support.payloads import BJENSEN, CORE, ENTERPRISE, JSMITH, patch, replace

METHODS: Final = (
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "BREW",
    "get",
)

# Percent-encoded parts of a URL: NUL, invalid and overlong UTF-8, half a surrogate pair, beyond
# Unicode, climbing paths, line breaks, templates and quotes.
ODD: Final = (
    "&".join("a" * 1001),
    "%00",
    "%ff%fe",
    "%C0%80",
    "%C0%AE%C0%AE%2F",
    "%ED%A0%80",
    "%F4%90%80%80",
    "%F0%9F%98%80",
    "..%2f..%2fetc%2fpasswd",
    "../../admin/",
    "%0d%0aSet-Cookie:%20x=1",
    "%25%30%30",
    "%",
    "%zz",
    "%2500",
    "'%20OR%201=1--",
    "{}{0}%s%(x)s",
    "%3Cscript%3E",
    ";a=b",
    "+",
    "*",
    "\\",
    "9" * 400,
    "x" * 3000,
)
FILTERS: Final = (
    'userName eq "bjensen@acme.example"',
    'userName eq "\u0130\ud83d\ude00"'.encode("utf-16", "surrogatepass").decode("utf-16"),
    'userName eq "a\\u0000b"',
    'userName eq "\\ud800"',
    'userName eq "\\x41"',
    'userName co "%_\\\\"',
    "userName eq 1e999999",
    "userName eq " + "9" * 5000,
    'emails[type eq "work" and not (value pr)].value sw ""',
    'emails[emails[type eq "x"]]',
    "(" * 200 + "userName pr" + ")" * 200,
    "not " * 300 + "(userName pr)",
    " or ".join(['userName eq "x"'] * 400),
    'userName eq "x" ' + "and" * 50,
    "schemas pr and meta pr and id pr",
    'meta.lastModified gt "9999-12-31T23:59:59+14:00"',
    'meta.created lt "0001-01-01T00:00:00+14:00"',
    'id gt "x" and id co "-" and id ew ""',
    "active eq null or active ne null",
    'name eq "x"',
    f'{ENTERPRISE}:manager.value eq "{{}}"',
    f"{CORE}:{CORE}:userName pr",
    'x509Certificates.value eq "AAAA"',
    "userName[eq]",
    "\u0000",
    '"',
    "userName pr; DROP TABLE scim_resource",
)
PATHS: Final = (
    "userName",
    "emails",
    'emails[type eq "work"].value',
    'emails[value eq "\\u0000"].value',
    'addresses[type eq "work"].country',
    'roles[primary eq "True"].value',
    f"{ENTERPRISE}:manager",
    f"{ENTERPRISE}.manager",
    ENTERPRISE,
    CORE,
    "name.givenName.x",
    "id",
    "schemas",
    "meta.version",
    "groups",
    "password",
    "",
    ".",
    "[",
    "emails[",
    "emails[]",
    "emails[" * 40,
    'emails[type eq "work"]' * 3,
    "e" * 5000,
    "\u0000",
    "__proto__",
    "constructor.prototype",
)
RAW_BODIES: Final = (
    b"",
    b"\x00",
    b"{",
    b"nul",
    b"[[[[",
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"userName": NaN}',
    b'{"userName": 1e999999}',
    b'{"userName": ' + b"9" * 10_000 + b"}",
    b'{"userName": -' + b"0" * 50 + b"}",
    b'{"userName": "x", "userName": "y"}',
    b'{"userName": "\\ud800"}',
    b'{"userName": "\\u0000"}',
    b'{"\\u0000": 1}',
    b'{"userName": "\xed\xa0\x80"}',
    b'{"userName": "\xc0\x80"}',
    b"\xef\xbb\xbf{}",
    '{"userName": "x"}'.encode("utf-16"),
    '{"userName": "x"}'.encode("utf-32"),
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
    b"a=b&c=d",
    b'{"a": 1}{"a": 2}',
    b'{"a": 1,}',
    b"// comment\n{}",
    b'"' + b"\\" * 50_001,
    json.dumps({f"k{n}": n for n in range(10_001)}).encode(),
)
HEADERS: Final = (
    ("If-Match", 'W/"1"'),
    ("If-Match", "*"),
    ("If-Match", '"' * 3000),
    ("If-Match", "W/" * 2000),
    ("If-None-Match", '"\xff"'),
    ("If-None-Match", "*"),
    ("Content-Type", "application/json"),
    ("Content-Type", "application/scim+json; charset=bz2"),
    ("Content-Type", "text/html"),
    ("Content-Type", "/"),
    ("Content-Type", ";;;"),
    ("Content-Type", "multipart/form-data"),
    ("Content-Type", "multipart/form-data; boundary=" + "x" * 500),
    ("Accept", "text/html;q=9"),
    ("Accept", "\xff"),
    ("Content-Length", "-1"),
    ("Content-Length", "9" * 30),
    ("Content-Length", "x"),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "chunked"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-For", "' OR 1=1"),
    ("Cookie", "sessionid=x; \xff=\x01"),
    ("User-Agent", "\x00\x01" * 400),
    ("Accept-Language", "x" * 1000),
    ("Range", "bytes=0-0"),
    ("Expect", "100-continue"),
)

_WORDS: Final = (
    "",
    " ",
    "x",
    "True",
    "work",
    "\u0130\U0001f600",
    "x" * 1025,
    "2011-05-13T04:42:34Z",
)
_JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(_WORDS)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(("value", "type", "primary", "$ref", "op", "path", "Z")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_NAMES: Final = (
    *JSMITH,
    *PATHS,
    "title",
    "roles",
    "ims",
    "photos",
    "x509Certificates",
    "Operations",
)


@dataclass(frozen=True, slots=True)
class Attack:
    """A request; `{}` in the target stands for the id of a user who is there."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@st.composite
def _users(draw: st.DrawFn) -> Any:
    """A user with a wrong attribute or two."""
    wrong = draw(st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=2))
    return {**draw(st.sampled_from((BJENSEN, JSMITH))), **wrong}


_operations: Final = st.fixed_dictionaries(
    {
        "op": st.sampled_from(("add", "Replace", "remove", "move", "", None, 7)),
        "path": st.sampled_from(PATHS) | _JSON,
        "value": _JSON | _users(),
    }
)
_patches: Final = (
    st.lists(_operations, max_size=3).map(lambda each: patch(*each))
    | st.builds(replace, st.sampled_from(PATHS), _JSON)
    | st.fixed_dictionaries({"Operations": _JSON, "schemas": _JSON})
)
_searches: Final = st.fixed_dictionaries(
    {},
    optional={
        "schemas": _JSON,
        "filter": st.sampled_from(FILTERS) | _JSON,
        "sortBy": st.sampled_from(PATHS) | _JSON,
        "sortOrder": _JSON,
        "startIndex": _JSON,
        "count": _JSON,
        "attributes": st.lists(st.sampled_from(PATHS), max_size=3) | _JSON,
    },
)
_bodies: Final = (
    (_users() | _patches | _searches | _JSON).map(lambda each: json.dumps(each).encode())
    | st.sampled_from(RAW_BODIES)
    | st.binary(max_size=40)
)
_endpoints: Final = st.sampled_from(
    (
        "/Users",
        "/Users",
        "/Users/{}",
        "/Users/{}",
        "/Users/.search",
        "/.search",
        "/Schemas",
        "/ResourceTypes/User",
        "/ServiceProviderConfig",
        "/Me",
        "",
    )
)
_odd_paths: Final = st.builds(
    "{0}/{1}".format,
    st.sampled_from(("/Users", "/Schemas", "/v2", "", "/Bulk")),
    st.sampled_from(ODD),
)
_values: Final = st.sampled_from(ODD) | st.sampled_from(FILTERS + PATHS).map(quote)
_queries: Final = st.lists(
    st.builds(
        "{0}={1}".format,
        st.sampled_from(
            (
                "filter",
                "filter",
                "sortBy",
                "sortOrder",
                "startIndex",
                "count",
                "attributes",
                "excludedAttributes",
                "x",
                "%00",
            )
        ),
        _values | st.integers().map(str),
    ),
    max_size=3,
).map("&".join)
_targets: Final = st.builds(
    lambda path, query: f"{path}?{query}" if query else path,
    _endpoints | _endpoints | _odd_paths,
    _queries,
)

attacks: Final = st.builds(
    Attack,
    st.sampled_from(METHODS),
    _targets,
    st.lists(st.sampled_from(HEADERS), max_size=2, unique_by=lambda each: each[0]).map(tuple),
    _bodies,
)
