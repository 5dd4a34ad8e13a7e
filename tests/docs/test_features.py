"""docs/architecture.md shows what each feature gives."""

from django.conf import settings

from tests.support import features


def test_the_table_of_features_is_true():
    assert features.page() == features.PAGE.read_text()


def test_the_table_has_a_row_for_each_feature():
    rows = [line for line in features.page().splitlines() if line.startswith("| `scim/")]

    assert [row.split("`")[1].replace("/", ".") for row in rows] == settings.FEATURES
