"""The arithmetic of the reports of a bench run."""

from pathlib import Path

import pytest

from tests.support.bench import layers, report, running
from tests.support.bench.rounds import Turn
from tests.support.bench.sampling import label
from tests.support.bench.statistics import Spread, quantile, ratios, uncertainty

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


def test_the_error_of_a_median_shrinks_with_the_root_of_the_number():
    few, many = ([n / size for n in range(size)] for size in (100, 10_000))

    assert uncertainty(few) == pytest.approx(0.098, rel=0.02)
    assert uncertainty(many) == pytest.approx(0.0098, rel=0.02)
    assert uncertainty([3]) == 0


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


def turn(rate=100.0, server=10.0, database=5.0):
    return Turn(rate=rate, p50=1000, p99=9000, server=server, database=database, driver=1)


def test_a_share_is_of_the_floor_in_the_same_round():
    turns = {
        "floor": [turn(rate=100), turn(rate=200), turn(rate=400)],
        "product": [turn(rate=50), turn(rate=50), turn(rate=300)],
    }

    assert report.share(turns, "product").median == 0.5
    assert report.share(turns, "floor") is None


def test_a_burden_is_the_processor_time_of_each_as_a_multiple_of_the_floors():
    turns = {"floor": [turn(server=6, database=4)], "product": [turn(server=30, database=20)]}

    assert report.burden(turns, "product") == "5.0 x + 5.0 x"
    assert report.burden(turns, "floor") == ""


def test_a_median_is_taken_of_each_figure_alone():
    found = report.medians([turn(rate=1, server=9), turn(rate=2, server=8), turn(rate=3, server=7)])

    assert (found.rate, found.server) == (2, 8)


def test_the_report_has_a_line_for_each_server_and_operation():
    turns = {"get": {"floor": [turn()], "product": [turn(rate=50, server=40)]}}

    lines = list(report.lines(turns, {"product": [15.2, 70.9]}))

    assert "| get | floor | 100 |  | 1.0 | 9.0 | 10 + 5 |  | 1 |" in lines
    assert (
        "| get | product | 50 | **0.50** (0.50-0.50) | 1.0 | 9.0 | 40 + 5 | 4.0 x + 1.0 x | 1 |"
        in lines
    )
    assert "| product | 15, 71 |" in lines


def test_times_are_divided_as_the_samples_fell():
    samples = {"scim.api": [10, 600], "psycopg": [70, 395], "config": [20, 1], "csp": [0, 4]}

    assert list(layers.rows(samples, 1000, 2000)) == [
        "| scim.api | 600 | 60.0% | 200 |",
        "| psycopg | 395 | 39.5% | 1,400 |",
        "| config | 1 | 0.1% | 400 |",
        "| all else | 4 | 0.4% | 0 |",
    ]


def test_nobody_leaves_in_a_run_of_many_tenants():
    asked = ["mix", "patch-away", "delete"]

    assert running.measurable(asked, tenants=1) == asked
    assert running.measurable(asked, tenants=2) == ["mix"]


def test_an_operation_that_the_floor_lacks_has_no_share():
    assert report.share({"product": [turn()]}, "product") is None
