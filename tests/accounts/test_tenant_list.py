"""`manage.py tenant list`."""

import io

from django.core.management import call_command

from tenants import lifecycle


def test_list_tenants_prints_a_table_on_standard_output(acme, globex, operator):
    lifecycle.suspend(globex)
    out = io.StringIO()

    call_command("tenant", "list", stdout=out)

    assert out.getvalue() == (
        "CUSTOM DOMAIN  NAME              STATUS     SCHEMA    TENANT URL\n"
        "acme           Acme Ltd          active     t_acme    "
        "http://acme.mypolicies.localhost:8000/scim\n"
        "admin          myPolicies staff  active     support   "
        "http://admin.mypolicies.localhost:8000/scim\n"
        "globex         Globex Inc        suspended  t_globex  "
        "http://globex.mypolicies.localhost:8000/scim\n"
    )
