"""The screens of reconciliation: upload Entra's export, follow the comparison, read what differs."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.console import upload
from scim.reconciliation.models import Difference, Reconciliation
from tenants.current import in_public, in_tenant
from tests.reconciliation.comparing import compared, finish
from tests.support.at_screens import BJENSEN, JSMITH
from tests.support.pages import exported, facts_of, nonce_in, rows_of, table_of

LIST = "/admin/tenants/reconciliation/"
DIFFERENCES = "/admin/scim/difference/"
HEADER = "objectId,userPrincipalName,displayName,accountEnabled,department\n"
BARBARA = f"{BJENSEN['externalId']},{BJENSEN['userName']},Barbara Jones,True,Tour Operations\n"
GRACE = "1,grace@acme.example,Grace Hopper,True,=Navy\n"
FILE = HEADER + BARBARA + GRACE + ",,,,\nx,,,perhaps,\n"


def send(browser, content, prefix="", name="users.csv"):
    """Upload a file on the form."""
    path = f"{prefix}{LIST}add/"
    nonce = nonce_in(browser.get(path))
    file = SimpleUploadedFile(name, content.encode())
    return browser.post(path, {"nonce": nonce, "file": file}, follow=True)


@pytest.fixture
def report(acme, provision, bjensen):
    """A report of acme: bjensen differs, grace is missing, jsmith is extra, a line is unreadable."""
    provision(acme, JSMITH)
    return compared(acme, FILE)


def change_path(report):
    return f"{LIST}{report.pk}/change/"


def test_a_file_is_uploaded_and_its_comparison_followed(own_host, acme, bjensen):
    uploaded = send(own_host, FILE)

    assert (
        uploaded.redirect_chain[0][0]
        == re.search(rf"{LIST}[0-9a-f-]+/change/", FILE + uploaded.redirect_chain[0][0])[0]
    )
    assert "The file was read: 2 users." in uploaded.text
    assert "Comparing the users of the file: 0 of 2 compared." in uploaded.text
    progress = re.search(r'data-refresh="([^"]+)"', uploaded.text)[1]
    finish(acme)
    done = own_host.get(progress)
    assert 'data-live="progress"' in done.text
    assert "The comparison is done." in done.text
    assert re.search(r'<a href="([^"]+)">View', done.text)[1] == uploaded.redirect_chain[0][0]


def test_the_report_tells_the_differences_in_numbers_and_what_to_do(own_host, report):
    page = own_host.get(change_path(report))

    rows = table_of(page, "Differences")
    assert [row[:3] for row in rows] == [
        ["Missing here", "1", "Active in Entra, and not provisioned here."],
        ["Not in Entra", "1", "Active here, and not in the file."],
        ["Attributes differ", "1", "Both sides have the user, with different values."],
        ["Unreadable line", "1", "Lines of the file that are no user."],
    ]
    assert rows[0][3].startswith("Users and groups: assign the user or one of its groups")
    assert table_of(page, "Attributes that differ") == [["displayName", "displayName", "1"]]


def test_equal_sides_are_said_to_be_equal(own_host, acme, bjensen):
    page = own_host.get(change_path(compared(acme, HEADER + BARBARA.replace("Jones", "Jensen"))))

    assert "Both sides have the same users and values." in page.text
    assert rows_of(own_host.get(LIST))[0][1:4] == ["Equal", "1", "0"]


def test_attributes_beyond_the_mapping_are_named(own_host, acme, bjensen):
    file = HEADER.replace("department", "city") + BARBARA

    page = own_host.get(change_path(compared(acme, file)))

    assert facts_of(page, "Not compared") == {
        "No user here has them": 'city (addresses[type eq "work"].locality)'
    }


def test_differences_are_listed_and_filtered(own_host, report):
    def names(query=""):
        found = own_host.get(f"{DIFFERENCES}?report={report.pk}{query}")
        return [row[0].split("\n")[-1].strip() for row in rows_of(found)]

    assert [each[-6:] for each in names()] == [
        each[-6:]
        for each in (JSMITH["userName"], "Line 5", "grace@acme.example", BJENSEN["userName"])
    ]
    assert len(names("&kind=missing")) == 1
    assert len(names("&attribute=displayName")) == 1
    assert names("&attribute=mail") == []
    assert len(names("&q=grace")) == 1
    assert len(names(f"&q={BJENSEN['externalId']}")) == 1
    assert names("&q=nobody") == []


def test_the_page_of_a_difference_has_both_sides(own_host, report):
    found = own_host.get(f"{DIFFERENCES}?kind=differs")
    path = re.search(rf"{DIFFERENCES}\d+/change/", found.text)[0]

    page = own_host.get(path)

    assert "Barbara Jones: Attributes differ" in page.text
    assert table_of(page, "Attributes that differ")[0][:4] == [
        *("displayName", "displayName", "Barbara Jones", "Barbara Jensen"),
    ]
    assert change_path(report) in page.text


def test_a_user_who_is_missing_has_the_values_of_the_file(own_host, report):
    found = own_host.get(f"{DIFFERENCES}?kind=missing")

    page = own_host.get(re.search(rf"{DIFFERENCES}\d+/change/", found.text)[0])

    assert table_of(page, "Values in the file") == [
        ["userName", "userPrincipalName", "grace@acme.example"],
        ["displayName", "displayName", "Grace Hopper"],
        ["department", "department", "=Navy"],
    ]
    assert 'href="/admin/scim/provisioningevent/?q=grace@acme.example"' in page.text


def test_differences_are_exported(own_host, report):
    answer, lines = exported(own_host, f"{DIFFERENCES}?report={report.pk}")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert [(each["difference"], each["userName"], each["line"]) for each in lines] == [
        ("Not in Entra", JSMITH["userName"], ""),
        ("Unreadable line", "Line 5", "5"),
        ("Missing here", "grace@acme.example", "3"),
        ("Attributes differ", BJENSEN["userName"], "2"),
    ]
    assert lines[3]["attribute"] == "displayName"
    assert (lines[3]["in Entra"], lines[3]["here"]) == ("Barbara Jones", "Barbara Jensen")


def test_personal_data_are_masked_for_support_who_may_not_upload(alice, report):
    found = alice.get(f"/t/acme{DIFFERENCES}?kind=differs")
    path = re.search(rf"{DIFFERENCES}\d+/change/", found.text)[0]
    page = alice.get(f"/t/acme{path}")

    for each in (found, page):
        assert "Jones" not in each.text
        assert "bjensen" not in each.text
    assert table_of(page, "Attributes that differ")[0][2:4] == ["B•••", "B•••"]
    assert alice.get(f"/t/acme{LIST}add/").status_code == 403
    assert alice.get(f"/t/acme{DIFFERENCES}export/").status_code == 403
    assert (
        alice.post(f"/t/acme{change_path(report).replace('change', 'delete-report')}").status_code
        == 403
    )


def test_a_lead_uploads_on_a_visit(lena, acme, bjensen):
    uploaded = send(lena, FILE, prefix="/t/acme")

    assert "The file was read: 2 users." in uploaded.text
    with in_public():
        assert "lena@mypolicies.example" in Reconciliation.objects.get().asked_by


def test_reports_of_another_tenant_are_not_there(own_host, globex):
    theirs = compared(globex, FILE)
    with in_tenant(globex):
        row = Difference.objects.first()

    assert own_host.get(change_path(theirs)).status_code == 404
    assert own_host.get(f"{LIST}{theirs.pk}/progress/").status_code == 404
    assert own_host.get(f"{DIFFERENCES}{row.pk}/change/").status_code == 404
    assert rows_of(own_host.get(f"{DIFFERENCES}?report={theirs.pk}")) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "The file has no users."),
        ("name\nGrace\n", "The first line must name the columns, objectId or userPrincipalName"),
        ('objectId\n"a" b\n', "The row at line 2 is no CSV"),
        ("{]", "The file is no JSON of users from line 1 on."),
    ],
)
def test_a_file_that_is_no_export_is_refused_beside_its_field(own_host, acme, content, said):
    answer = send(own_host, content)

    assert (
        said
        in re.search(r'<ul class="errorlist" id="id_file_error">.*?</ul>', answer.text, re.DOTALL)[
            0
        ]
    )


def test_a_file_that_is_too_large_is_refused(own_host, acme, monkeypatch):
    monkeypatch.setattr("scim.reconciliation.report_screen.MOST_BYTES", 10)

    assert "The file is larger than 0 MB." in send(own_host, FILE).text


def test_a_request_that_is_larger_than_any_file_is_not_read(own_host, acme, monkeypatch):
    monkeypatch.setattr(upload, "MOST_BYTES", -upload._AROUND)

    assert send(own_host, FILE).status_code == 400


def test_a_report_is_deleted_by_its_button(own_host, acme, report):
    path = change_path(report).replace("change", "delete-report")

    answer = own_host.post(path, {"nonce": nonce_in(own_host.get(path))}, follow=True)

    assert "Report deleted." in answer.text
    assert rows_of(answer) == []
    finish(acme)
    with in_tenant(acme):
        assert not Difference.objects.exists()


def test_lists_and_pages_cost_the_same_for_any_number_of_differences(own_host, acme, statements):
    counts = []
    for number in (1, 1, 40):  # the first time, more is looked up
        lines = "".join(f"{n},u{n}@acme.example,User,True,Navy\n" for n in range(number))
        report = compared(acme, HEADER + lines)
        with statements() as executed:
            own_host.get(change_path(report))
            own_host.get(f"{DIFFERENCES}?report={report.pk}")
        counts.append(len(executed))

    assert counts[1] == counts[2]
