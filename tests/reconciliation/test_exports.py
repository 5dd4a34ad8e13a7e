"""Entra's exports of users are read in every form in which they come; a bad line is named by its number."""

import json
from io import BytesIO
from typing import Any

import pytest

from scim.provider.tables import UnreadableFileError
from scim.reconciliation import exports
from scim.reconciliation.exports import EntraUser, Flawed, reading

ID, OTHER = "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", "58342554-38d6-4ec8-948c-50044d0a33fd"
GRACE = {
    "id": ID,
    "userPrincipalName": "grace@acme.example",
    "displayName": "Grace Hopper",
    "accountEnabled": True,
    "businessPhones": ["+1 555 0100", "+1 555 0101"],
    "mobilePhone": None,
}
VALUES = {"userName": "grace@acme.example", "displayName": "Grace Hopper"}
PHONES = {
    'phoneNumbers[type eq "work"].value': "+1 555 0100",
    'phoneNumbers[type eq "mobile"].value': "",
}
CSV = (
    "userPrincipalName,displayName,objectId,accountEnabled,usageLocation\r\n"
    f'grace@acme.example,"Grace Hopper",{ID},True,US\r\n'
)
FROM_CSV = EntraUser(2, ID, "", is_enabled=True, values=VALUES)


def users(content):
    content = content.encode() if isinstance(content, str) else content
    with reading(BytesIO(content)) as export:
        return list(export.users)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_portals_table_is_read_in_each_encoding(encoding):
    assert users(CSV.encode(encoding)) == [FROM_CSV]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_recognized(delimiter):
    assert users(CSV.replace(",", delimiter)) == [FROM_CSV]


def test_a_line_that_tells_excel_the_delimiter_is_passed_over():
    [user] = users("sep=;\r\n" + CSV.replace(",", ";"))

    assert (user.line, user.values) == (3, VALUES)


def test_headings_are_known_in_each_spelling():
    [user] = users(f"Object Id,User principal name,ACCOUNT_ENABLED\n{ID},grace@acme.example,no\n")

    expected = {"userName": "grace@acme.example"}
    assert user == EntraUser(2, ID, "", is_enabled=False, values=expected)


PAGE: dict[str, Any] = {"@odata.context": "https://graph.example/$metadata#users", "value": [GRACE]}
SECOND: dict[str, Any] = {"value": [GRACE | {"id": OTHER, "userPrincipalName": "ada@acme.example"}]}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PAGE) + json.dumps(SECOND),
        json.dumps(PAGE, indent=2) + "\n" + json.dumps(SECOND, indent=2),
        json.dumps(PAGE["value"] + SECOND["value"]),
        json.dumps(GRACE) + "\n" + json.dumps(SECOND["value"][0]) + "\n",
        json.dumps([]) + json.dumps(PAGE) + "{}" + json.dumps(SECOND),
    ],
    ids=["pages", "pages with indentation", "an array", "a user a line", "empty ones between"],
)
def test_json_is_read_in_each_form(text):
    found = users(text)

    assert [(each.object_id, each.is_enabled) for each in found] == [(ID, True), (OTHER, True)]
    assert found[0].values == VALUES | PHONES


def test_json_is_held_in_pieces(monkeypatch):
    monkeypatch.setattr(exports, "_CHUNK", 7)

    assert [each.object_id for each in users(json.dumps(PAGE, indent=1))] == [ID]


def test_lines_of_json_are_those_of_the_file():
    text = json.dumps([GRACE, 7, {"displayName": "Nobody"}], indent=1)

    assert [each.line for each in users(text)] == [2, 13, 14]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"ada@acme.example,Ada,{ID},True,UK", "The user is on line 2 as well."),
        (",Nobody,,True,UK", "It has neither objectId nor userPrincipalName."),
        (f"a@acme.example,Ada,{OTHER},perhaps,UK", "accountEnabled is neither True nor False."),
        (f"a@acme.example,Ada,{OTHER},True,UK,1", "The line has 6 cells, the header 5 columns."),
        (
            f"a@acme.example,{'A' * 1_025},{OTHER},True,UK",
            "displayName is longer than 1,024 characters, or no text.",
        ),
        (
            f"a@acme.example,A\0da,{OTHER},True,UK",
            "displayName is longer than 1,024 characters, or no text.",
        ),
    ],
)
def test_a_line_that_is_no_user_is_named_and_the_rest_is_read(line, reason):
    assert users(CSV + line + "\r\n") == [FROM_CSV, Flawed(3, reason)]


def test_a_user_in_json_may_be_no_user_either():
    text = json.dumps([GRACE, 7, {"id": OTHER, "displayName": {"en": "Ada"}}, {"id": "\ud800"}])

    assert [each.reason for each in users(text)[1:]] == [
        "It is no JSON object of a user.",
        "displayName is an object.",
        "objectId is longer than 1,024 characters, or no text.",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file has no users."),
        (b" \n ", "The file has no users."),
        (CSV.splitlines()[0].encode(), "The file has no users."),
        (b"[]", "The file has no users."),
        (
            b"objectId\n1,2\n",
            "The file has no users. Line 2: The line has 2 cells, the header 1 column.",
        ),
        (b"name,department\nGrace,Navy\n", "The first line must name the columns, objectId or"),
        (b"id,objectId\n1,2\n", "Columns 1 and 2 of the header both stand for objectId."),
        (CSV.replace("Hopper", "Höpper").encode("latin-1"), "neither UTF-8 nor UTF-16"),
        (b'objectId\n"a" b\n', "The row at line 2 is no CSV"),
        (b'{"value": [{"id": "1"}\n, {"id" "2"}]}', "The file is no JSON of users from line 2 on."),
        (b'{"value": [{"id": "1"}', "The file is no JSON of users from line 1 on."),
        (b"[" * 100_000, "The file is no JSON of users from line 1 on."),
    ],
)
def test_a_file_that_is_no_export_is_refused(content, said):
    with pytest.raises(UnreadableFileError, match=said.replace(".", r"\.")):
        users(content)


def test_a_file_of_too_many_users_is_refused(monkeypatch):
    monkeypatch.setattr(exports, "MOST_USERS", 1)

    with pytest.raises(UnreadableFileError, match="more than 1 users, which is the limit"):
        users(f"{CSV}ada@acme.example,Ada,{OTHER},True,UK\r\n")


def test_a_file_of_too_many_bad_lines_is_refused(monkeypatch):
    monkeypatch.setattr(exports, "MOST_FLAWED", 1)

    with pytest.raises(
        UnreadableFileError, match=r"More than 1 lines cannot be read\. Line 3: The"
    ):
        users(CSV + CSV.splitlines()[1] + "\n" + CSV.splitlines()[1])
