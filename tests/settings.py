"""The settings of the tests: those of the product where nothing is set but the place of the data.

pytest-django reads them before anything else of the project, so the environment is the tests' own
from then on.
"""

from tests.support import environment

environment.make_own()

from config.settings import *  # noqa: E402, F403  # reads the environment
