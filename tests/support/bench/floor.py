"""The floor: a bare WSGI application that does the least a SCIM server can, under the same gunicorn.

It parses JSON, digests and looks up the token, executes one prepared statement on the same PostgreSQL
(a page has two: it is counted) and answers SCIM JSON. It validates nothing and writes neither history nor
log, so a server that does its job costs more. It runs in .venv-bench, which has orjson.
"""

import importlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import psycopg

try:
    _json: Any = importlib.import_module("orjson")
except ImportError:  # in the environment of the tests
    _json = None

_COLUMNS: Final = """id, external_id, user_name, active, display_name, formatted, family_name, given_name,
    work_email, title, department, employee_number, version, created, last_modified"""
SCHEMA: Final = """
CREATE TABLE token (digest bytea PRIMARY KEY, tenant integer NOT NULL);
CREATE TABLE person (
    id uuid, tenant integer, external_id text, user_name text, user_name_key text COLLATE "C",
    active boolean, display_name text, formatted text, family_name text, given_name text, work_email text,
    title text, department text, employee_number text, version integer DEFAULT 1,
    created timestamptz, last_modified timestamptz, PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX person_user_name ON person (tenant, user_name_key);
CREATE INDEX person_external_id ON person (tenant, external_id);
"""
_TOKEN: Final = "SELECT tenant FROM token WHERE digest = %s"
_GET: Final = f"SELECT {_COLUMNS} FROM person WHERE tenant = %s AND id = %s"
_FIND: Final = f"SELECT {_COLUMNS} FROM person WHERE tenant = %s AND user_name_key = %s"
_COUNT: Final = "SELECT count(*) FROM person WHERE tenant = %s"
_PAGE: Final = (
    f"SELECT {_COLUMNS} FROM person WHERE tenant = %s ORDER BY tenant, id OFFSET %s LIMIT %s"
)
_CREATE: Final = f"""
INSERT INTO person (tenant, id, external_id, user_name, user_name_key, active, display_name, formatted,
    family_name, given_name, work_email, title, department, employee_number, created, last_modified)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}
"""
_PATCH: Final = f"""
UPDATE person SET active = coalesce(%s, active), family_name = coalesce(%s, family_name),
    work_email = coalesce(%s, work_email), version = version + 1, last_modified = %s
WHERE tenant = %s AND id = %s RETURNING {_COLUMNS}
"""
_DELETE: Final = "DELETE FROM person WHERE tenant = %s AND id = %s RETURNING id"

_USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_FILTER: Final = re.compile(r'userName eq "([^"]*)"')
_STATUS: Final = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 401: "401 Unauthorized"}

_of_thread: Final = threading.local()
Reply = tuple[int, Any]


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one request (PEP 3333)."""
    status, value = _answer(environ)
    body = b"" if value is None else dumps(value)
    start_response(
        _STATUS.get(status, f"{status} Error"),
        [("Content-Type", "application/scim+json"), ("Content-Length", str(len(body)))],
    )
    return (body,)


def dumps(value: Any) -> bytes:
    """JSON, by orjson where it is."""
    if _json is None:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return bytes(_json.dumps(value))


def digest(token: str) -> bytes:
    """The digest by which a token is found."""
    return sha256(token.encode()).digest()


def _answer(environ: dict[str, Any]) -> Reply:
    _, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    row = _execute(_TOKEN, [digest(token)]).fetchone()
    if row is None:
        return _error(401)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    sent = (_json or json).loads(environ["wsgi.input"].read(length)) if length else {}
    _, _, identifier = environ["PATH_INFO"].partition("/Users/")
    match environ["REQUEST_METHOD"]:
        case "GET" if identifier:
            return _one(200, _GET, [row[0], identifier])
        case "GET":
            return _listed(row[0], parse_qs(environ["QUERY_STRING"]))
        case "POST":
            return _one(201, _CREATE, [row[0], *_values(sent)])
        case "PATCH":
            return _one(200, _PATCH, [*_changes(sent), _now(), row[0], identifier])
        case _:
            return _deleted(row[0], identifier)


def _execute(statement: str, values: Sequence[Any]) -> psycopg.Cursor[Any]:
    connection = getattr(_of_thread, "connection", None)
    if connection is None:
        connection = psycopg.connect(os.environ["FLOOR_DATABASE_URL"], autocommit=True)
        _of_thread.connection = connection
    found: psycopg.Cursor[Any] = connection.execute(statement, values, prepare=True)
    return found


def _one(status: int, statement: str, values: Sequence[Any]) -> Reply:
    row = _execute(statement, values).fetchone()
    return _error(404) if row is None else (status, _user(row))


def _deleted(tenant: int, identifier: str) -> Reply:
    row = _execute(_DELETE, [tenant, identifier]).fetchone()
    return _error(404) if row is None else (204, None)


def _listed(tenant: int, query: dict[str, list[str]]) -> Reply:
    if "filter" in query:
        found = _FILTER.fullmatch(query["filter"][0])
        name = found[1].casefold() if found else None
        rows = _execute(_FIND, [tenant, name]).fetchall()
        return 200, _page(rows, len(rows), 1)
    start, count = int(query["startIndex"][0]), int(query["count"][0])
    counted = _execute(_COUNT, [tenant]).fetchall()
    rows = _execute(_PAGE, [tenant, start - 1, count]).fetchall()
    return 200, _page(rows, counted[0][0], start)


def _page(rows: list[Any], total: int, start: int) -> dict[str, Any]:
    return {
        "schemas": [_LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(rows),
        "Resources": [_user(row) for row in rows],
    }


def _user(row: Sequence[Any]) -> dict[str, Any]:
    """The user of a row of _COLUMNS."""
    (
        identifier,
        external_id,
        user_name,
        active,
        display_name,
        formatted,
        family_name,
        given_name,
        work_email,
        title,
        department,
        number,
        version,
        created,
        last_modified,
    ) = row
    return {
        "schemas": [_USER, _ENTERPRISE],
        "id": str(identifier),
        "externalId": external_id,
        "userName": user_name,
        "active": active,
        "displayName": display_name,
        "name": {"formatted": formatted, "familyName": family_name, "givenName": given_name},
        "emails": [{"primary": True, "type": "work", "value": work_email}],
        "title": title,
        _ENTERPRISE: {"department": department, "employeeNumber": number},
        "meta": {
            "resourceType": "User",
            "created": _time(created),
            "lastModified": _time(last_modified),
            "version": f'W/"{version}"',
        },
    }


def _values(sent: dict[str, Any]) -> list[Any]:
    now, name, more = _now(), sent["name"], sent[_ENTERPRISE]
    identifier = UUID(int=(time.time_ns() // 1_000_000 << 80) | secrets.randbits(62) | 7 << 76)
    user_name = sent["userName"]
    return [
        *(identifier, sent["externalId"], user_name, user_name.casefold(), sent["active"]),
        *(sent["displayName"], name["formatted"], name["familyName"], name["givenName"]),
        *(sent["emails"][0]["value"], sent["title"], more["department"], more["employeeNumber"]),
        *(now, now),
    ]


def _changes(sent: dict[str, Any]) -> list[Any]:
    """The values of active, family name and work e-mail; None for one that stays."""
    by_path = {each["path"]: each["value"] for each in sent["Operations"]}
    active = by_path.get("active")
    return [
        None if active is None else active == "True",
        by_path.get("name.familyName"),
        by_path.get('emails[type eq "work"].value'),
    ]


def _now() -> datetime:
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(status: int) -> Reply:
    return status, {"schemas": [_ERROR], "status": str(status)}
