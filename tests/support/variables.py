"""README.md's table and deploy/mypolicies.env, made of the table of environment variables."""

import re
import textwrap
from pathlib import Path
from typing import Final

from django.conf import settings

from config.variables import VARIABLES, Variable

README: Final[Path] = settings.BASE_DIR / "README.md"
FILE: Final[Path] = settings.BASE_DIR / "deploy" / "mypolicies.env"
# Without a value of its own a production does not start, or does not do its work.
FIRST: Final = {
    "DATABASE_URL": "postgresql://mypolicies_serving:PASSWORD@127.0.0.1:5432/mypolicies",
    "BASE_DOMAIN": "mypolicies.example",
    "SECRET_KEY": "",
    "DATA_DIR": "/var/lib/mypolicies",
    "TRUSTED_PROXIES": "127.0.0.1",
    "EMAIL_HOST": "smtp.example.com",
}
_TABLE: Final = (
    "<!-- `make docs` makes this table of config/variables.py. -->\n",
    "<!-- end of the settings -->\n",
)
_HEAD: Final = """\
# The settings of production: copy to /etc/mypolicies.env, mode 600, owner root.
# Made by `make docs` of config/variables.py; `manage.py settings` prints what counts.
"""


def readme() -> str:
    """The text of README.md with the table as it should be."""
    begins, ends = _TABLE
    before, _, rest = README.read_text().partition(begins)
    _, _, after = rest.partition(ends)
    rows = [
        f"| `{each.name}` | {each.documented_default} | {each.meaning} |"
        for each in VARIABLES.values()
    ]
    table = "\n".join(("| variable | default | meaning |", "|---|---|---|", *rows))
    return f"{before}{begins}{table}\n{ends}{after}"


def environment_file() -> str:
    """The text of deploy/mypolicies.env: first what has to be set, then the rest, commented out."""
    needed = [_assignment(VARIABLES[name], value) for name, value in FIRST.items()]
    others = [
        _assignment(each)
        for each in VARIABLES.values()
        if each.name not in FIRST and not each.for_development
    ]
    return "\n".join((_HEAD, *needed, *others))


def _assignment(variable: Variable, value: str | None = None) -> str:
    meaning = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", variable.meaning).replace("`", "")
    if variable.shown:
        meaning += f". Default: {variable.shown}".replace("`", "")
    comment = textwrap.fill(meaning, 98, initial_indent="# ", subsequent_indent="# ")
    mark = "#" if value is None else ""
    return f"{comment}\n{mark}{variable.name}={variable.default if value is None else value}\n"
