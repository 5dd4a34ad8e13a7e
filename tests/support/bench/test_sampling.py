"""Samples of calls that are shorter than the time between two of them."""

import time
from pathlib import Path

import pytest

from tests.support.bench.sampling import DETAILS, SECONDS, Sampler

ROOT = Path("/product")
WORK = """
def work(seconds):
    until = clock() + seconds
    while clock() < until:
        pass
"""


def working(file):
    """The names of a module of the product, of which one is a function that works."""
    names = {"clock": time.thread_time}
    exec(compile(WORK, f"{ROOT}/{file}", "exec"), names)  # noqa: S102  # the text is above
    return names


@pytest.mark.parametrize("first", ["scim/api/a.py", "tenants/b.py"])
def test_each_part_of_a_short_call_has_its_share_of_samples(first):
    second = "scim/protocol/c.py"
    parts = [working(first)["work"], working(second)["work"]]
    sampler = Sampler(ROOT, DETAILS["file"])

    def call():
        for part in parts:
            part(SECONDS / 3)

    with sampler.running():
        for _ in range(3000):
            sampler.watch(call)

    assert set(sampler.places) == {first, second}
    for samples in zip(*sampler.places.values(), strict=True):
        assert 0.3 < samples[0] / sum(samples) < 0.7


def test_nothing_is_counted_between_calls():
    work = working("scim/api/a.py")["work"]
    sampler = Sampler(ROOT, DETAILS["file"])

    with sampler.running():
        sampler.watch(int)
        work(20 * SECONDS)

    assert dict(sampler.places) == {}
