"""The command line of `make bench`; `python -m tests.support.bench --help` says what there is."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.support.bench import answers, comparing, layers, running
from tests.support.bench.operations import OPERATIONS, USUAL, WrongAnswerError
from tests.support.bench.progress import done
from tests.support.bench.running import Run
from tests.support.bench.sampling import DETAILS
from tests.support.bench.trees import TreeError

_ROUNDS: Final = 40  # of compare
_RUN_ROUNDS: Final = 5
_SECONDS: Final = 1.5
_PEERS: Final = (
    "scim2-server (in memory) and django-scim2 too; takes twice as long, and they are filled through"
    " their APIs, 500 users a second"
)
_TENANTS: Final = (
    "a random one for each user or request; with several, nobody is deactivated or deleted"
)
_URL: Final = "a PostgreSQL to make databases in, as a role with CREATEDB; else an embedded one"


def main() -> None:
    """Print the report that the arguments ask for."""
    arguments = _parser().parse_args()
    try:
        for line in _report(arguments):
            done()
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except (TreeError, WrongAnswerError) as error:
        done()
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _report(arguments: argparse.Namespace) -> Iterator[str]:
    url = arguments.database_url
    if arguments.do == "answers":
        return answers.answers(arguments.revision, url)
    operations, users = arguments.operations, arguments.users
    if arguments.do == "run":
        asked = Run(
            operations=operations,
            users=users,
            tenants=arguments.tenants,
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            with_peers=arguments.peers,
            json=arguments.json,
            url=url,
        )
        return running.run(asked)
    if arguments.do == "compare":
        return comparing.compare(arguments.revision, operations, users, arguments.rounds, url)
    return layers.layers(operations, users, arguments.by, url)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.support.bench", description=__doc__)
    verbs = parser.add_subparsers(dest="do", required=True)
    run = verbs.add_parser("run", help="this tree beside the floor, over HTTP")
    run.add_argument("--tenants", type=int, default=1, help=_TENANTS)
    run.add_argument("--rounds", type=int, default=_RUN_ROUNDS)
    run.add_argument("--seconds", type=float, default=_SECONDS, help="of one server in one round")
    run.add_argument("--peers", action="store_true", help=_PEERS)
    run.add_argument("--json", type=Path, metavar="FILE", help="the figures of all rounds")
    _add_common(run, USUAL)
    compare = verbs.add_parser(
        "compare", help="the cost of a request in this tree and in a commit, side by side"
    )
    compare.add_argument("revision", help="a commit, such as main or HEAD~3")
    compare.add_argument("--rounds", type=int, default=_ROUNDS)
    _add_common(compare, ["mix"])
    same = verbs.add_parser(
        "answers", help="500 requests of all kinds to this tree and to a commit, and what differs"
    )
    same.add_argument("revision", help="a commit, such as main or HEAD~3")
    same.add_argument("--database-url", default="", help=_URL)
    layers = verbs.add_parser("layers", help="the cost of a request of this tree by layer")
    layers.add_argument("--by", choices=DETAILS, default="layer")
    _add_common(layers, USUAL)
    return parser


def _add_common(parser: argparse.ArgumentParser, operations: Sequence[str]) -> None:
    parser.add_argument(
        "--operations",
        nargs="+",
        choices=OPERATIONS,
        default=operations,
        metavar="NAME",
        help=f"of {', '.join(OPERATIONS)}; by default {' '.join(operations)}",
    )
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--database-url", default="", help=_URL)


if __name__ == "__main__":
    main()
