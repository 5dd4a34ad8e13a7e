"""The key that signs sessions and forms: given by the operator, or made once in development."""

import os
import secrets
from pathlib import Path
from tempfile import mkstemp

from django.core.exceptions import ImproperlyConfigured


def read_secret_key(given: str, data_dir: Path, *, development: bool) -> str:
    """The given key; in development a random one kept in `data_dir`, made at the first call.

    Raises ImproperlyConfigured outside development when no key is given.
    """
    if given:
        return given
    if not development:
        raise ImproperlyConfigured(
            "Set SECRET_KEY: outside development (BASE_DOMAIN under .localhost) there is no default."
        )
    file = data_dir / "secret_key"
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor, draft = mkstemp(prefix="secret_key.", dir=data_dir)  # nobody else may read it
        with os.fdopen(descriptor, "w") as made:
            made.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, file)  # atomic: of two first starts, one key wins
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return file.read_text()
