"""Reconciliation: the users of Entra's export and those here, compared in pieces by the worker."""

from io import BytesIO

import pytest

from accounts.actions import ActionRefused, Actor, NotPermitted
from accounts.models import AuditEntry
from scim.provider.features import Person
from scim.reconciliation import comparing
from scim.reconciliation.models import Reconciliation
from tenants.current import in_public, in_tenant
from tests.reconciliation.comparing import compared, differences, finish
from tests.support import bulk
from tests.support.payloads import replace, user
from tests.support.people import COMMAND

HEADER = "objectId,userPrincipalName,displayName,accountEnabled,mail\n"


def line(name, enabled="True", shown="", external=""):
    mail = f"{name}@acme.example"
    return f"{external or f'external-{name}'},{mail},{shown},{enabled},{mail}\n"


@pytest.fixture
def present(at_acme):
    """`present(names)`: provision users with these names at acme; their ids by name."""

    def make(*names, **changes):
        made = [bulk.post(name, "/Users", user(name, **changes)) for name in names]
        return dict(zip(names, map(bulk.id_of, bulk.send(at_acme, *made)), strict=True))

    return make


def kinds(tenant):
    return {name.partition("@")[0]: kind for name, kind in differences(tenant, "user_name", "kind")}


def test_equal_users_leave_no_row(acme, present):
    present("ada", "grace")

    report = compared(acme, HEADER + line("ada") + line("grace"))

    assert (report.users, report.counts, report.stage) == (2, {"same": 2}, "done")
    assert differences(acme, "id") == []


def test_each_kind_of_difference_is_found(acme, at_acme, present):
    ids = present("ada", "grace", "lin", "extra", "gone", "same", displayName="Countess")
    at_acme.patch(f"/Users/{ids['lin']}", replace("active", "False"))
    at_acme.patch(f"/Users/{ids['gone']}", replace("active", "False"))
    file = (
        line("ada", shown="Ada Lovelace"),
        line("grace", enabled="False", shown="Countess"),
        line("lin", shown="Countess"),
        line("new"),
        line("absent", enabled="False"),
        line("same", shown="Countess"),
    )

    report = compared(acme, HEADER + "".join(file) + "a,b,c,d,e,f\n")

    assert kinds(acme) == {
        "ada": "differs",
        "grace": "disabled",
        "lin": "inactive",
        "new": "missing",
        "extra": "extra",
        "": "unreadable",
    }
    assert report.counts == {
        "same": 1,
        "absent": 1,
        "differs": 1,
        "disabled": 1,
        "inactive": 1,
        "missing": 1,
        "extra": 1,
        "unreadable": 1,
    }
    assert report.attributes == {"displayName": 1}


def test_values_of_both_sides_are_kept_and_letter_case_of_names_does_not_matter(acme, present):
    present("ada", displayName="Countess")

    compared(acme, HEADER + line("ada", shown="Ada").replace("ada@", "ADA@"))

    assert differences(acme, "differing") == [({"displayName": ["Ada", "Countess"]},)]


def test_a_value_that_only_one_side_has_differs(acme, present):
    present("ada", displayName="Countess")
    present("lin")

    compared(acme, HEADER + line("ada") + line("lin", shown="Lin"))

    assert differences(acme, "differing") == [
        ({"displayName": [None, "Countess"]},),
        ({"displayName": ["Lin", None]},),
    ]


def test_an_attribute_that_no_user_here_has_is_not_compared(acme, present):
    present("ada")

    report = compared(acme, HEADER + line("ada", shown="Ada"))

    assert (report.not_compared, report.counts) == (["displayName"], {"same": 1})


def test_a_user_is_matched_by_nickname_then_by_user_name(acme, present):
    present("ada")
    present("lin", externalId="lin-nickname")
    header = "objectId,mailNickname,userPrincipalName\n"

    report = compared(acme, f"{header}1,,Ada@acme.example\n2,lin-nickname,lin@acme.example\n")

    assert report.counts == {"same": 2}


def test_of_several_users_with_one_external_id_the_user_name_decides(acme, present):
    present("ada", "lin", externalId="one")

    report = compared(acme, HEADER + line("lin", external="one"))

    assert report.counts == {"same": 1, "extra": 1}
    assert kinds(acme) == {"ada": "extra"}


def test_a_user_who_was_deleted_here_is_missing_and_its_record_is_named(acme, at_acme, present):
    ids = present("ada", "lin")
    at_acme.delete(f"/Users/{ids['ada']}")

    compared(acme, HEADER + line("ada") + line("lin"))

    [(kind, user_id)] = differences(acme, "kind", "user_id")
    assert (kind, str(user_id)) == ("missing", ids["ada"])


def test_the_worker_goes_piece_by_piece_and_another_tenant_is_not_touched(
    acme, at_globex, globex, present, monkeypatch
):
    monkeypatch.setattr(comparing, "PIECE", 2)
    present(*(f"u{n}" for n in range(5)))
    at_globex.post("/Users", user("grace"))
    file = HEADER + "".join(line(f"u{n}") for n in range(3, 8))
    comparing.begin(COMMAND, acme, BytesIO(file.encode()))

    assert comparing.tenants_with_work() == [acme]
    assert finish(acme) == 8  # of two: 3 of the file and its end, 3 of those here and the end
    assert comparing.tenants_with_work() == []
    assert kinds(acme) == {
        **dict.fromkeys(("u5", "u6", "u7"), "missing"),
        **dict.fromkeys(("u0", "u1", "u2"), "extra"),
    }
    assert differences(globex, "id") == []


def test_a_piece_costs_the_same_for_any_number_of_users(acme, present, statements):
    present(*(f"u{n}" for n in range(20)))
    counts = []
    for number in (1, 20):
        file = HEADER + "".join(line(f"u{n}") for n in range(number))
        comparing.begin(COMMAND, acme, BytesIO(file.encode()))
        with statements() as executed:
            finish(acme)
        counts.append(len(executed))

    assert counts[0] == counts[1]


def test_a_second_comparison_waits_for_the_first(acme, globex):
    comparing.begin(COMMAND, acme, BytesIO((HEADER + line("ada")).encode()))
    comparing.begin(COMMAND, globex, BytesIO((HEADER + line("ada")).encode()))

    with pytest.raises(ActionRefused, match="is not done yet"):
        comparing.begin(COMMAND, acme, BytesIO((HEADER + line("ada")).encode()))


def test_a_file_that_is_refused_leaves_nothing(acme, monkeypatch):
    monkeypatch.setattr(comparing, "_STORED", 1)

    with pytest.raises(ActionRefused, match="The row at line 4 is no CSV"):
        comparing.begin(
            COMMAND, acme, BytesIO((HEADER + line("a") + line("b") + '"x" y\n').encode())
        )

    assert differences(acme, "id") == []
    with in_public():
        assert not Reconciliation.objects.exists()


def test_a_report_is_deleted_after_seven_days_whatever_else_is_held(acme, clock, monkeypatch):
    monkeypatch.setattr(comparing, "PIECE", 2)
    compared(acme, HEADER + "".join(line(f"u{n}") for n in range(5)))
    clock.shift(7 * 86_400 - 1)
    before = (comparing.tenants_with_work(), len(differences(acme, "id")))
    clock.shift(1)

    assert before == ([], 5)
    assert comparing.tenants_with_work() == [acme]
    assert finish(acme) == 4
    assert differences(acme, "id") == []
    with in_public():
        assert not Reconciliation.objects.exists()


def test_of_many_reports_the_oldest_goes(acme, clock, monkeypatch):
    monkeypatch.setattr(comparing, "MOST_KEPT", 2)
    reports = []
    for _ in range(3):
        clock.shift(60)
        reports.append(compared(acme, HEADER + line("ada")).pk)

    with in_public():
        assert list(comparing.present(acme).values_list("pk", flat=True)) == [
            reports[2],
            reports[1],
        ]
    assert finish(acme) == 0


def test_one_who_deletes_a_report_leaves_nothing_of_it(acme, clock):
    report = compared(acme, HEADER + line("ada"))

    comparing.delete(COMMAND, acme, report)
    with in_public():
        assert not comparing.present(acme).exists()
    finish(acme)

    assert differences(acme, "id") == []


def test_start_and_deletion_are_in_the_audit_log(acme):
    report = compared(acme, HEADER + line("ada"))
    comparing.delete(COMMAND, acme, report)

    with in_tenant(acme):
        entries = AuditEntry.objects.filter(subject=str(report.pk)).order_by("id")
        assert list(entries.values_list("act", "details")) == [
            ("reconciliation started", {"users": 1, "form": "CSV"}),
            ("reconciliation deleted", {}),
        ]


@pytest.mark.parametrize("held", ["tenants.view_reconciliation", ""])
def test_nobody_compares_or_deletes_without_the_permission(acme, held):
    somebody = Actor("gus", permissions=frozenset({held}), tenant_id=acme.id)
    report = compared(acme, HEADER + line("ada"))

    with pytest.raises(NotPermitted):
        comparing.begin(somebody, acme, BytesIO(b""))
    with pytest.raises(NotPermitted):
        comparing.delete(somebody, acme, report)


def test_the_rows_of_an_erased_person_go(acme, present):
    ids = present("ada", displayName="Countess")
    compared(acme, HEADER + line("ada", shown="Ada") + line("lin") + line("bo") + line("new"))
    values = frozenset({"LIN@acme.example", "external-bo"})

    with in_tenant(acme):
        assert comparing.forget(Person(frozenset({ids["ada"]}), values)) == 3

    assert kinds(acme) == {"new": "missing"}
