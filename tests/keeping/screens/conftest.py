"""People and their browsers, and something to look at."""

from tests.support.at_screens import *
