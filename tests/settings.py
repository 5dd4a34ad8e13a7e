"""The settings of the tests: those of the product where nothing is set but the place of the data.

pytest-django reads them before anything else of the project, so the environment is the tests' own
from then on.
"""

from tests.support import environment

environment.make_own()

from config.database import ROLE  # noqa: E402  # reads the environment, like the next
from config.settings import *  # noqa: E402, F403

# Tests make databases, so they connect as the owner, and act as the login that serves by SET LOCAL ROLE
# (tests.support.database).
if not DATABASE_URL:  # noqa: F405
    DATABASES["default"]["USER"] = ROLE  # noqa: F405
    OWNER_DATABASE = {"USER": ROLE}
