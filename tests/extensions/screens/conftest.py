"""The world of the screens."""

from tests.support.at_screens import *
from tests.support.installed import is_installed

# It looks for secrets wherever a value may be shown or told.
collect_ignore = [] if is_installed("events", "history", "inspector") else ["test_secrecy.py"]
