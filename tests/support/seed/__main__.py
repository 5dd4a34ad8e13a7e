"""`python -m tests.support.seed [people]`: fills the database of DATABASE_URL or DATA_DIR.

For development only, and of the product's packages alone. A server may run meanwhile; a second run
changes nothing.
"""

import os
import sys
from typing import Final

PEOPLE: Final = 2_000

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")  # of each of the thousands of requests one line
    os.environ.setdefault("TENANT_RATE", "0")  # by the steady clock, six weeks pass in a minute

    import django

    django.setup()

    from django.core.management import CommandError

    from config.server import embedded
    from tenants import clock
    from tests.support.seed import accounts, filling

    try:
        with embedded.server_running():
            people = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
            is_new = filling.fill(people, clock.now())
    except CommandError as refused:
        sys.exit(str(refused))
    except KeyboardInterrupt:
        sys.exit(130)
    print("\n".join(accounts.lines(is_new=is_new)))  # noqa: T201  # for the person at the terminal
