"""The world of the screens, and the provisioning service of acme."""

from tests.support.at_screens import *
