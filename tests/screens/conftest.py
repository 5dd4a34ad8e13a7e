"""The world of the screens."""

from tests.support.at_screens import *
from tests.support.installed import is_installed

# Its tables have rows for the pages of every feature.
_ALL = ("events", "extensions", "guard", "history", "inspector", "monitoring", "problems")
collect_ignore = [] if is_installed(*_ALL) else ["test_permissions.py"]
