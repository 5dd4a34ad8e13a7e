"""`manage.py user import` of a table: columns are named by the paths of attributes."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from scim.models import ProvisioningEvent, Resource
from scim.protocol.urns import ENTERPRISE_USER, USER
from tenants.current import in_tenant
from tests.support.commands import run

HEADER = (
    'userName,externalId,name.familyName,"emails[type eq ""work""].value",active,'
    f'"phoneNumbers[type eq ""mobile""].value",{ENTERPRISE_USER}:department'
)
BJENSEN = "bjensen,701984,Jensen,bjensen@example.com,true,,Tour Operations"


@pytest.fixture
def table(tmp_path):
    """`table(lines)`: the path of a table with these lines."""

    def make(*lines, encoding="utf-8"):
        path = tmp_path / "Users.CSV"
        path.write_text("\n".join(lines), encoding=encoding)
        return str(path)

    return make


def users(tenant):
    with in_tenant(tenant):
        return list(Resource.objects.order_by("id").values_list("document", flat=True))


def test_a_row_is_a_user(acme, globex, table):
    told = run("user", "import", "acme", table(HEADER, BJENSEN))

    assert told == ("", "1 user of acme created.\n")
    assert users(acme) == [
        {
            "userName": "bjensen",
            "externalId": "701984",
            "name": {"familyName": "Jensen"},
            "emails": [{"type": "work", "value": "bjensen@example.com"}],
            "active": True,
            ENTERPRISE_USER: {"department": "Tour Operations"},
        }
    ]
    assert users(globex) == []
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get()
    assert event.sent["schemas"] == [USER, ENTERPRISE_USER]
    assert event.notes == []


def test_a_table_of_a_spreadsheet_is_read(acme, table):
    """With a byte order mark, semicolons, line breaks in a cell, blank rows and numbers as they come."""
    path = table(
        'externalId;userName;title;"emails[type eq ""work""].value";active',
        '1;ann;"Head; of\nSales";ann@example.com;FALSE',
        ";;;;",
        "2;ben;;ben@example.com;TRUE",
        encoding="utf-8-sig",
    )

    run("user", "import", "acme", path)

    assert [(user["title"], user["active"]) for user in users(acme)[:1]] == [
        ("Head; of\nSales", False)
    ]
    assert [user["userName"] for user in users(acme)] == ["ann", "ben"]


def test_rows_that_are_refused_are_named_by_their_first_line(acme, table, capsys):
    path = table(
        "userName,externalId,emails.value,active,title",
        'ann,1,ann@example.com,,"of\ntwo lines"',
        "ben,,ben@example.com,,",
        "cat,3,cat@example.com,perhaps,",
        "dan,4,dan@example.com,,,more",
        "eve,5,eve@example.com",
    )

    with pytest.raises(CommandError, match="3 lines were refused"):
        call_command("user", "import", "acme", path)

    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("line 4: 400 invalidValue: externalId is missing.")
    assert told[1].startswith("line 5: 400 invalidValue: active ")
    assert told[2] == "line 6: 400 invalidSyntax: The row has 6 cells, the table 5 columns."
    assert [user["userName"] for user in users(acme)] == ["ann", "eve"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("userName,nickname2", "Column 2, 'nickname2', is no attribute of User."),
        ("userName,title,USERNAME", "Column 3, 'USERNAME', is there twice."),
        ("userName,", "Column 2, '', is no path of an attribute"),
        ("userName,emails[type eq", "Column 2, 'emails[type eq', is no path of an attribute"),
        ("userName,id", "Column 2, 'id', is assigned by the server."),
        ("userName,meta.created", "Column 2, 'meta.created', is assigned by the server."),
        ("userName,groups.value", "Column 2, 'groups.value', is assigned by the server."),
        ("schemas", "Column 1, 'schemas', follows from the other columns."),
        ("name", "Column 1, 'name', has parts: name one of them, such as name.formatted."),
    ],
)
def test_a_header_that_names_no_attributes_is_refused_before_any_row(acme, table, header, said):
    with pytest.raises(CommandError) as refused:
        run("user", "import", "acme", table(header, "bjensen,1"))

    assert said in str(refused.value)
    assert users(acme) == []


@pytest.mark.parametrize(
    ("lines", "encoding", "said"),
    [
        ([""], "utf-8", "The file is empty"),
        (
            [HEADER, BJENSEN, "jürgen"],
            "latin-1",
            "The file is neither UTF-8 nor UTF-16: save it as CSV UTF-8.",
        ),
        ([HEADER, '"bjensen" x,1'], "utf-8", "The row at line 2 is no CSV"),
    ],
)
def test_a_file_that_is_no_table_is_refused_before_any_row(acme, table, lines, encoding, said):
    with pytest.raises(CommandError, match=said):
        run("user", "import", "acme", table(*lines, encoding=encoding))

    assert users(acme) == []
