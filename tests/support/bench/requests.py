"""The requests of `answers`: all that clients send, and what they should not. Deterministic, for each tree the same."""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from tests.support.bench import people

_PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
_BULK: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
_SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_CREATED: Final = 40  # users, which are {0} to {39}
_GROUPS: Final = 8  # which are {40} to {47}

Asked = tuple[str, str, str]  # method, path below /scim, body

_FILTERS: Final = (
    'userName eq "{user}"',
    'USERNAME EQ "{upper}"',
    'userName eq "nobody@bench.example"',
    'externalId eq "{external}"',
    'emails[type eq "work"].value eq "{user}"',
    'emails.value sw "user0000"',
    'name.familyName co "jensen"',
    "active eq true and title pr",
    "active eq false",
    'not (displayName ew "5")',
    'meta.lastModified gt "2026-01-01T00:00:00Z"',
    'id eq "{id}"',
    f'{_ENTERPRISE}:department eq "Tour Operations"',
    "userName eq {user}",
    "groups pr",
    'title ne "x" or nickName pr',
    "userName eq",
    'unknown eq "x"',
    'userName zz "x"',
    '(userName eq "a"',
    "userName gt true",
)  # fmt: skip
_QUERIES: Final = (
    "",
    "count=3",
    "count=0",
    "startIndex=5&count=4",
    "startIndex=-2&count=-1",
    "count=abc",
    "sortBy=userName&count=5",
    "sortBy=name.familyName&sortOrder=descending&count=5",
    "sortBy=unknown",
    "sortOrder=sideways&sortBy=userName",
    "attributes=userName,emails.value&count=4",
    "attributes=schemas&count=2",
    "excludedAttributes=name,emails&count=4",
    "excludedAttributes=groups,meta&count=2",
    "attributes=userName&excludedAttributes=name",
    f"attributes={quote(_ENTERPRISE)}:department&count=3",
    "cursor&count=7",
    "cursor=nonsense&count=7",
    "count=100000",
    "attributes=unknown&count=2",
)
_VALUES: Final[tuple[Any, ...]] = (
    [("replace", "title", "Guide")],
    [("Replace", "title", "Guide")],  # nothing changes
    [("Add", "nickName", "Babs"), ("Replace", "name.familyName", "O'Brien")],
    [("replace", 'emails[type eq "work"].value', "New.Mail@bench.example")],
    [("add", "emails", [{"type": "home", "value": "home@bench.example"}])],
    [("remove", 'emails[type eq "home"]', None)],
    [("replace", "active", "False")],
    [("replace", "active", "True")],
    [("replace", None, {"active": False, "name.givenName": "Ann", "displayName": "Ann Ä ß 漢 😀"})],
    [("replace", None, {"active": True, f"{_ENTERPRISE}:department": "Sales"})],
    [("add", f"{_ENTERPRISE}:manager", "{1}")],
    [("replace", f"{_ENTERPRISE}:manager", {"value": "{2}", "displayName": "Boss"})],
    [("remove", f"{_ENTERPRISE}:manager", None)],
    [("add", "addresses", [{"type": "work", "country": "DE", "locality": "Köln"}])],
    [("replace", 'addresses[type eq "work"].country', "FR")],
    [("add", "phoneNumbers", [{"type": "work", "value": "+1 \u00a0 234"}, {"type": "mobile", "value": "5"}])],
    [("replace", 'phoneNumbers[type eq "fax"].value', "77")],
    [("add", "roles", [{"value": '{"id":"1","value":"Admin","displayName":"Admin"}'}])],
    [("replace", 'roles[primary eq "True"].value', "User")],
    [("add", "password", "secret word")],
    [("add", "passwort", "secret word"), ("replace", "title", 'mypscim_abcdef "x"')],
    [("remove", "userName", None)],
    [("replace", "userName", "")],
    [("replace", "userName", None)],
    [("replace", "userName", people.user_name(3))],
    [("remove", "emails", None)],
    [("replace", "id", "x")],
    [("replace", "unknown", "x")],
    [("replace", "name[", "x")],
    [("explode", "title", "x")],
    [("replace", "active", "perhaps")],
    [("replace", "title", "x" * 70_000)],
    [("remove", None, None)],
    [("replace", 'emails[type eq "nowhere"]', {"value": "x@bench.example"})],
    [("replace", "preferredLanguage", "de"), ("replace", "locale", "de-DE"), ("replace", "timezone", "Europe/Berlin")],
)  # fmt: skip
_MALFORMED: Final = (
    "",
    " ",
    "null",
    "[]",
    "{",
    "{}",
    '"text"',
    "nonsense",
    '{"userName":"a","userName":"b"}',
    '{"userName":"a","USERNAME":"b"}',
    '{"userName":NaN}',
    '{"userName":Infinity}',
    '{"userName":1e999}',
    '{"userName":123456789012345678901234567890}',
    '{"userName":-0.0,"externalId":1.50}',
    '{"userName":"a\\u0000b"}',
    '{"userName":"a\\ud800b"}',
    '{"userName":"tab\there"}',
    '{"userName":"\udcff"}',
    "\ufeff" + json.dumps(people.posted(90_000_001)),
    "[" * 40 + "]" * 40,
    '{"a":' * 33 + "1" + "}" * 33,
    '{"schemas":["urn:x"],"userName":"x","externalId":"x","emails":[{"value":"x@y.example"}]}',
    '{"userName":"x","externalId":"x"}',
    '{"userName":"x","emails":[{"value":"x@y.example"}]}',
    '{"userName":5,"externalId":6,"emails":[{"value":7}]}',
    '{"userName":{"a":1},"externalId":"e","emails":[{"value":"x@y.example"}]}',
    '{"userName":"x","externalId":"x","emails":"{\\"value\\":\\"x@y.example\\"}"}',
    '{"userName":"x","externalId":"x2","emails":[{"value":"x@y.example","primary":"True"}],"active":"no"}',
    '{"a":1,}',
    "{'a':1}",
    '{"a":01}',
    '{"a":1} {"b":2}',
    '{"a":"\\x"}',
    '{"schemas":[],"Operations":[]}',
    '{"Operations":{}}',
    '{"Operations":[1]}',
    '{"Operations":[{"op":"replace","path":5,"value":1}]}',
    json.dumps({f"n{number}": number for number in range(10_001)}),
)


def requests(users: int) -> Iterator[Asked]:
    """The requests, to a tenant of so many users; `{n}` stands for the n-th resource created."""
    yield from _creations()
    yield from _reads(users)
    yield from _changes()
    yield from _groups()
    yield from _malformed()
    yield from _bulk()
    yield from _departures()
    yield from _elsewhere()


def _creations() -> Iterator[Asked]:
    for number in range(_CREATED):
        body: dict[str, Any] = people.posted(people.FRESH + number)
        if number % 3 == 1:
            body |= {"nickName": "Ä\u2028ö", "phoneNumbers": [{"type": "work", "value": "1"}]}
        if number % 3 == 2:
            body |= {"password": "a secret", "odd": {"x": [1, 2.5, None]}, "locale": "de"}
            body[_ENTERPRISE] = {"manager": "{0}", "costCenter": "7"}
        yield "POST", "/Users" if number % 5 else "/v2/Users", _json(body)
    for number in (0, 1):
        yield "POST", "/Users", _json(people.posted(people.FRESH + number))  # there already


def _reads(users: int) -> Iterator[Asked]:
    for number in range(12):
        query = ("", "?attributes=userName", "?excludedAttributes=emails,groups")[number % 3]
        yield "GET", f"/Users/{{{number}}}{query}", ""
        yield "HEAD", f"/Users/{{{number}}}", ""
    for where in ("Users", "Groups", ""):
        for query in _QUERIES:
            yield "GET", f"/{where}?{query}", ""
        for text in _FILTERS:
            asked = _filled(text, users // 2)
            yield "GET", f"/{where}?count=5&filter={quote(asked)}", ""
            body = {"schemas": [_SEARCH], "filter": asked, "count": 3, "attributes": ["userName"]}
            yield "POST", f"/{where}/.search".replace("//", "/"), _json(body)
    for identifier in ("nobody", people.identifier(users + 7), "%00", "a" * 200):
        yield "GET", f"/Users/{identifier}", ""


def _changes() -> Iterator[Asked]:
    for number, values in enumerate(_VALUES):
        for user in (number % _CREATED, 39):
            yield "PATCH", f"/Users/{{{user}}}", _patch(values)
        yield "GET", f"/Users/{{{number % _CREATED}}}", ""
    for number in range(6):
        body = people.posted(people.FRESH + number) | {"displayName": f"Replaced {number}"}
        yield "PUT", f"/Users/{{{number}}}", _json(body)
    yield "PUT", "/Users/{1}", _json({"userName": "x"})
    yield "PATCH", "/Users/nobody", _patch(_VALUES[0])


def _groups() -> Iterator[Asked]:
    for number in range(_GROUPS):
        members = [{"value": f"{{{user}}}"} for user in range(number)]
        body = {"schemas": [_GROUP], "displayName": f"Group {number}", "members": members}
        yield "POST", "/Groups", _json(body | {"externalId": f"g{number}"} if number % 2 else body)
    for number in range(_CREATED, _CREATED + _GROUPS):
        group = f"/Groups/{{{number}}}"
        yield "PATCH", group, _patch([("Add", "members", [{"value": "{5}"}, {"value": "{6}"}])])
        yield "PATCH", group, _patch([("Remove", "members", [{"value": "{5}"}, {"value": "none"}])])
        yield "PATCH", group, _patch([("remove", 'members[value eq "{6}"]', None)])
        yield "PATCH", group, _patch([("replace", "displayName", f"Renamed {number}")])
        yield "GET", f"{group}?excludedAttributes=members", ""
        yield "GET", group, ""
    yield "GET", "/Users/{5}", ""
    yield "GET", "/Groups?filter=" + quote('displayName sw "Renamed"'), ""
    yield "DELETE", f"/Groups/{{{_CREATED}}}", ""


def _malformed() -> Iterator[Asked]:
    for text in _MALFORMED:
        yield "POST", "/Users", text
        yield "PATCH", "/Users/{7}", text


def _bulk() -> Iterator[Asked]:
    made: list[dict[str, Any]] = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": f"b{n}",
            "data": people.posted(80_000_000 + n),
        }
        for n in range(4)
    ]
    made.append({"method": "PATCH", "path": "/Users/{8}", "data": json.loads(_patch(_VALUES[2]))})
    made.append({"method": "DELETE", "path": "/Users/{9}"})
    for operations in (made, made[:2], [{"method": "GET", "path": "/Users"}], []):
        yield "POST", "/Bulk", _json({"schemas": [_BULK], "Operations": operations})


def _departures() -> Iterator[Asked]:
    for number in range(10, 14):
        yield "PATCH", f"/Users/{{{number}}}", _patch([("Replace", "active", "False")])
        yield "DELETE", f"/Users/{{{number + 4}}}", ""
        yield "GET", f"/Users/{{{number + 4}}}", ""
        yield "POST", "/Users", _json(people.posted(people.FRESH + number + 4))  # continues it
        yield "DELETE", f"/Users/{{{number + 4}}}", ""


def _elsewhere() -> Iterator[Asked]:
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/Me", "/nowhere", ""):
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            yield method, path, ""


def _filled(text: str, number: int) -> str:
    user = people.user_name(number)
    parts = {"user": user, "upper": user.upper(), "external": people.external_id(number)}
    return text.format(**parts, id=people.identifier(number))


def _patch(values: Any) -> str:
    operations = [
        {"op": op}
        | ({} if path is None else {"path": path})
        | ({} if value is None and op.lower() == "remove" else {"value": value})
        for op, path, value in values
    ]
    return _json({"schemas": [_PATCH], "Operations": operations})


def _json(value: Any) -> str:
    return json.dumps(value)
