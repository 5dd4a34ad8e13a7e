"""`make faults`: faults under load, and what became of each write. `ARGS="--help"` says what else.

Eight clients write to one tenant while something breaks. Each write is in a ledger on disk before it is sent.
Afterwards everything acknowledged has to be there, once and whole, in resources, log, audit chain and events.
"""

import argparse
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from tests.support.faults.running import HEAD, run  # noqa: E402  # after Django is set up
from tests.support.faults.scenarios import SCENARIOS  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=f"some of: {', '.join(SCENARIOS)}")
    parser.add_argument("--repeat", type=int, default=1, metavar="TIMES")
    parser.add_argument(
        "--before", type=float, default=4, help="seconds of writing before the fault"
    )
    parser.add_argument("--after", type=float, default=4, help="and after it")
    parser.add_argument("--pooler", action="store_true", help="with PgBouncer before PostgreSQL")
    asked = parser.parse_args()
    unknown = set(asked.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"There is no scenario {', '.join(sorted(unknown))}.")
    print(HEAD, flush=True)  # noqa: T201  # for the person who runs it, as below
    problems = 0
    for name in asked.scenarios or SCENARIOS:
        for _ in range(asked.repeat):
            outcome = run(name, asked.before, asked.after, pooler=asked.pooler)
            lines = [outcome.line, *(f"    {each}" for each in outcome.problems)]
            print(*lines, sep="\n", flush=True)  # noqa: T201
            problems += len(outcome.problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
