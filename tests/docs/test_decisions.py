"""The decision records: each is in the list, and one that a later record changed says so."""

from tests.support import decisions

RECORDS = list(decisions.records())


def test_the_list_has_each_record_with_what_changed_it():
    assert decisions.page() == decisions.PAGE.read_text()
    assert len(RECORDS) > 100


def test_a_record_has_the_number_of_its_file_and_no_other_has_it():
    numbers = [record.number for record in RECORDS]

    assert [record.path.name[:4] for record in RECORDS] == numbers
    assert len(set(numbers)) == len(numbers)


def test_a_record_is_changed_by_a_later_one_that_exists():
    names = {record.number: record.path.name for record in RECORDS}

    wrong = [
        (record.number, number, name)
        for record in RECORDS
        for number, name in record.changed_by
        if names.get(number) != name or number <= record.number
    ]

    assert wrong == []


def test_each_line_that_tells_of_a_change_is_read():
    """A line in another form would be missing in the list."""
    told = sum(record.path.read_text().count("**Changed**") for record in RECORDS)

    assert told == sum(len(record.changed_by) for record in RECORDS) > 10
