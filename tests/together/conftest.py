"""What several features do together: a module is collected while those that it needs are installed."""

from typing import Final

from tests.support.at_screens import *
from tests.support.installed import is_installed

_NEEDS: Final = {
    "test_permissions.py": ("events", "extensions", "guard", "history", "inspector", "monitoring"),
    "test_secrecy.py": ("events", "extensions", "history", "inspector"),
}
collect_ignore = [name for name, needed in _NEEDS.items() if not is_installed(*needed)]
