"""Uploads: their limit, which holds for any form with a file: that of fields for visitors, more for accounts.

Django reads a form before the page is asked for, to look for the token against forged requests.
"""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler

MOST_BYTES: Final = 67_108_864  # of a file
_AROUND: Final = 65_536  # bytes: the other fields of the form


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Keeps a file on the disk while its request lasts; refuses a form that is too large unread."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  # Django's signature
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Raises RequestDataTooBig, which is answered 400."""
        session = getattr(self.request, "session", {})
        most = MOST_BYTES if SESSION_KEY in session else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if content_length > most + _AROUND:
            raise RequestDataTooBig("The upload is larger than any file may be.")
