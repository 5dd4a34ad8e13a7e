"""The arithmetic of the reports of a bench run."""

from pathlib import Path

import pytest

from tests.support.bench.sampling import label
from tests.support.bench.statistics import Spread, quantile, ratios

ROOT = "/srv/mypolicies/"
LIBRARIES = "/srv/mypolicies/.venv/lib/python3.11/site-packages/"


def test_a_spread_is_the_median_between_the_quartiles():
    assert Spread.of([5, 1, 4, 2, 3]) == Spread(2, 3, 4)


def test_a_median_lies_between_two_figures_where_none_is_in_the_middle():
    assert Spread.of([1, 2, 3, 10]).median == 2.5


def test_a_quantile_lies_between_two_figures_in_proportion():
    assert quantile([0, 10], 0.99) == pytest.approx(9.9)


def test_the_only_figure_is_each_quantile():
    assert Spread.of([7]) == Spread(7, 7, 7)


def test_ratios_are_of_the_same_round():
    assert ratios([1, 6], [2, 3]) == [0.5, 2]


@pytest.mark.parametrize(
    ("file", "layer"),
    [
        (f"{ROOT}tenants/middleware.py", "tenants"),
        (f"{ROOT}config/edge/outermost.py", "config.edge"),
        (f"{ROOT}scim/inspector/explanations/rows.py", "scim.inspector"),
        (f"{ROOT}tests/support/bench/inprocess.py", None),
        (f"{LIBRARIES}psycopg/cursor.py", "psycopg, and waiting for PostgreSQL"),
        (f"{LIBRARIES}django/db/transaction.py", "django.db: cursors, transactions"),
        (f"{LIBRARIES}django/core/handlers/base.py", "django: handler, request, URLs, response"),
        (f"{LIBRARIES}gunicorn/arbiter.py", None),
        (str(Path("<frozen importlib._bootstrap>")), None),
    ],
)
def test_a_sample_counts_for_the_layer_of_its_file(file, layer):
    found = label(file, ROOT)

    assert (found and found[0]) == layer
