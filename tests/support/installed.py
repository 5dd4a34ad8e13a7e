"""The features that are installed, for tests that need more than one."""

import pytest
from django.conf import settings


def is_installed(*names: str) -> bool:
    """True if the features are in `settings.FEATURES`."""
    return all(f"scim.{name}" in settings.FEATURES for name in names)


def needs(*names: str) -> pytest.MarkDecorator:
    """Skip a test of several features without one of the others."""
    return pytest.mark.skipif(not is_installed(*names), reason=f"needs {' and '.join(names)}")
