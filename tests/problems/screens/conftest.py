"""The world of the screens."""

from tests.support.at_screens import *
