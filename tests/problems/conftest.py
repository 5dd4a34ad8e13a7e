"""Two tenants as the Entra provisioning service reaches them."""

from tests.support.over_http import *
