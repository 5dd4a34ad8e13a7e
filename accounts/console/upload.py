"""Uploads: their limit, which holds for any form with a file, whoever sends it."""

from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler

MOST_BYTES: Final = 67_108_864  # of a file
_AROUND: Final = 65_536  # bytes: the other fields of the form


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Keeps a file on the disk while its request lasts; refuses a request that is too large unread."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  # Django's signature
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Raises RequestDataTooBig, which is answered 400."""
        if content_length > MOST_BYTES + _AROUND:
            raise RequestDataTooBig("The upload is larger than any file may be.")
