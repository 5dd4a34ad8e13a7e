"""`python -m tests.support.seed [people]`: fills the database of DATABASE_URL or DATA_DIR.

For development only. Run it on a database that has no tenant acme yet; a server may run meanwhile.
"""

import os
import sys
from typing import Final

PEOPLE: Final = 2_000

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")  # of each of the thousands of requests one line

    import django

    django.setup()

    from config import database
    from tenants import clock
    from tests.support.seed.filling import fill

    with database.server_running():
        fill(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE, clock.now())
