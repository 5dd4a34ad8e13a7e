"""Admission to every screen, for every role on the staff host, on a visit, on an own host."""

import re

import pytest

from accounts.permissions import Role
from scim.models import ProvisioningEvent
from scim.reconciliation.comparing import KEPT
from scim.reconciliation.models import Reconciliation
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Problem
from tests.support.pages import view_as_admin

ROLES = (Role.AUDITOR, Role.SUPPORT, Role.SUPPORT_LEAD, Role.OPERATOR)

# path -> the statuses for auditor, support, support lead, operator
STAFF_SITE = {
    "/admin/": (200, 200, 200, 200),
    "/admin/problems/": (200, 200, 200, 200),
    "/admin/search/": (200, 200, 200, 200),
    "/admin/days/2026-11-30/": (200, 200, 200, 200),
    "/admin/tenants/mail/": (200, 200, 200, 200),
    "/admin/tenants/tenant/": (200, 200, 200, 200),
    "/admin/tenants/tenant/{acme}/change/": (200, 200, 200, 200),
    "/admin/tenants/tenant/add/": (403, 403, 403, 200),
    "/admin/tenants/tenant/{acme}/suspend/": (403, 403, 200, 200),
    "/admin/tenants/tenant/{acme}/resume/": (403, 403, 200, 200),
    "/admin/tenants/tenant/{acme}/retention/": (403, 403, 200, 200),
    "/admin/tenants/tenant/{acme}/hold/": (403, 403, 200, 200),
    "/admin/tenants/tenant/{acme}/lift-hold/": (403, 403, 200, 200),
    "/admin/tenants/tenant/{acme}/view-as-admin/": (403, 200, 200, 200),
    "/admin/tenants/tenant/{acme}/view-as-admin/stop/": (403, 403, 403, 403),
    "/admin/tenants/tenant/{operator}/view-as-admin/": (404, 404, 404, 404),
    "/admin/tenants/tenant/{acme}/delete/": (403, 403, 403, 403),
    "/admin/tenants/tenant/{acme}/history/": (404, 404, 404, 404),
    "/admin/tenants/tenant/{operator}/change/": (404, 404, 404, 404),
    "/admin/accounts/account/": (200, 200, 200, 200),
    "/admin/accounts/account/{alice}/change/": (200, 200, 200, 200),
    "/admin/accounts/account/add/": (403, 403, 403, 200),
    "/admin/accounts/account/{alice}/invite/": (403, 403, 403, 200),
    "/admin/accounts/account/{alice}/password/": (403, 403, 403, 200),
    "/admin/accounts/account/{alice}/deactivate/": (403, 403, 403, 200),
    "/admin/accounts/account/{alice}/reactivate/": (403, 403, 403, 200),
    "/admin/accounts/account/{alice}/unlock/": (403, 403, 403, 200),
    "/admin/accounts/account/{alice}/reset-factors/": (403, 403, 403, 200),
    "/admin/accounts/account/{alice}/delete/": (403, 403, 403, 403),
    "/admin/accounts/auditentry/": (200, 200, 200, 200),
    "/admin/accounts/auditentry/add/": (403, 403, 403, 403),
    "/admin/accounts/secrettoken/": (404, 404, 404, 404),
    "/admin/scim/user/": (404, 404, 404, 404),
    "/admin/setup/": (404, 404, 404, 404),
    "/admin/autocomplete/": (404, 404, 404, 404),
    "/admin/r/1/1/": (404, 404, 404, 404),
    "/admin/password_change/": (200, 200, 200, 200),
    "/admin/confirm/": (200, 200, 200, 200),
    "/admin/forgot/": (200, 200, 200, 200),
    "/admin/reset/mypscim_reset_x/": (410, 410, 410, 410),
    "/admin/you/": (200, 200, 200, 200),
    "/admin/you/authenticator/": (200, 200, 200, 200),
    "/admin/you/passkey/": (200, 200, 200, 200),
    "/admin/you/recovery-codes/": (200, 200, 200, 200),
    "/admin/you/remove-factor/": (200, 200, 200, 200),
    "/admin/you/end-others/": (200, 200, 200, 200),
}
VISIT = {
    "/t/acme/": (302, 302, 302, 302),
    "/t/acme/admin/": (200, 200, 200, 200),
    "/t/acme/admin/tenants/alarm/": (200, 200, 200, 200),
    "/t/acme/admin/tenants/alarm/add/": (403, 403, 403, 403),
    "/t/acme/admin/tenants/alarm/guard/": (403, 403, 200, 200),
    "/t/acme/admin/tenants/problem/": (200, 200, 200, 200),
    "/t/acme/admin/tenants/problem/{problem}/change/": (200, 200, 200, 200),
    "/t/acme/admin/tenants/problem/{problem}/mute/": (403, 200, 200, 200),
    "/t/acme/admin/tenants/problem/{problem}/unmute/": (403, 200, 200, 200),
    "/t/acme/admin/tenants/problem/add/": (403, 403, 403, 403),
    "/t/acme/admin/problems/": (404, 404, 404, 404),
    "/t/acme/admin/setup/": (200, 200, 200, 200),
    "/t/acme/admin/setup/progress/": (200, 200, 200, 200),
    "/t/acme/admin/search/": (200, 200, 200, 200),
    "/t/acme/admin/api/": (200, 200, 200, 200),
    "/t/acme/admin/api/reference/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/logo/": (200, 200, 200, 200),
    "/t/acme/admin/scim/provisioningevent/news/": (200, 200, 200, 200),
    "/t/acme/admin/scim/provisioningevent/{event}/change/": (200, 200, 200, 200),
    "/t/acme/admin/scim/": (200, 200, 200, 200),
    "/t/acme/admin/scim/user/": (200, 200, 200, 200),
    "/t/acme/admin/scim/user/{bjensen}/change/": (200, 200, 200, 200),
    "/t/acme/admin/scim/user/{bjensen}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/scim/user/{bjensen}/history/": (404, 404, 404, 404),
    "/t/acme/admin/scim/user/add/": (403, 403, 403, 403),
    "/t/acme/admin/scim/user/{bjensen}/then/": (200, 200, 200, 200),
    "/t/acme/admin/scim/user/{jsmith}/then/": (404, 404, 404, 404),
    "/t/acme/admin/scim/user/{bjensen}/restore/": (403, 403, 200, 200),
    "/t/acme/admin/scim/user/{bjensen}/erase/": (403, 403, 200, 200),
    "/t/acme/admin/scim/user/{bjensen}/withdraw-erasure/": (403, 403, 200, 200),
    "/t/acme/admin/scim/user/{bjensen}/hold/": (403, 403, 200, 200),
    "/t/acme/admin/scim/user/{bjensen}/lift-hold/": (403, 403, 200, 200),
    "/t/acme/admin/scim/user/export/": (403, 403, 200, 200),
    "/t/acme/admin/scim/group/": (200, 200, 200, 200),
    "/t/acme/admin/scim/group/{guides}/change/": (200, 200, 200, 200),
    "/t/acme/admin/scim/group/{guides}/then/": (200, 200, 200, 200),
    "/t/acme/admin/scim/group/{bjensen}/change/": (404, 404, 404, 404),
    "/t/acme/admin/scim/group/{guides}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/scim/group/add/": (403, 403, 403, 403),
    "/t/acme/admin/scim/provisioningevent/": (200, 200, 200, 200),
    "/t/acme/admin/scim/provisioningevent/explanations/": (200, 200, 200, 200),
    "/t/acme/admin/scim/provisioningevent/{event}/dry-run/": (403, 200, 200, 200),
    "/t/acme/admin/scim/provisioningevent/export/": (403, 403, 200, 200),
    "/t/acme/admin/scim/provisioningevent/add/": (403, 403, 403, 403),
    "/t/acme/admin/scim/extensionschema/": (200, 200, 200, 200),
    "/t/acme/admin/scim/extensionschema/{schema}/change/": (200, 200, 200, 200),
    "/t/acme/admin/scim/extensionschema/add/": (403, 403, 200, 200),
    "/t/acme/admin/scim/extensionschema/{schema}/redefine/": (403, 403, 200, 200),
    "/t/acme/admin/scim/extensionschema/{schema}/remove/": (403, 403, 200, 200),
    "/t/acme/admin/scim/extensionschema/{schema}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/accounts/secrettoken/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/secrettoken/{token}/change/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/secrettoken/add/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/secrettoken/{token}/revoke/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/secrettoken/{token}/rotate/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/secrettoken/{token}/move/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/secrettoken/{token}/restrict/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/credentialrequest/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/credentialrequest/require-approval/": (403, 403, 200, 200),
    "/t/acme/admin/accounts/credentialrequest/stop-requiring-approval/": (403, 403, 403, 200),
    "/t/acme/admin/accounts/secrettoken/{token}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/accounts/oauthclient/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/oauthclient/{client}/change/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/oauthclient/add/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/oauthclient/{client}/revoke/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/oauthclient/{client}/secret/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/oauthclient/{client}/restrict/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/oauthclient/secret/{secret}/revoke/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/oauthclient/{client}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/scim/eventstream/": (200, 200, 200, 200),
    "/t/acme/admin/scim/eventstream/{stream}/change/": (200, 200, 200, 200),
    "/t/acme/admin/scim/eventstream/add/": (403, 403, 200, 200),
    "/t/acme/admin/scim/eventstream/{stream}/pause/": (403, 200, 200, 200),
    "/t/acme/admin/scim/eventstream/{stream}/resume/": (403, 200, 200, 200),
    "/t/acme/admin/scim/eventstream/{stream}/end/": (403, 403, 200, 200),
    "/t/acme/admin/scim/eventstream/{elsewhere}/change/": (404, 404, 404, 404),
    "/t/acme/admin/scim/eventstream/{elsewhere}/end/": (404, 404, 404, 404),
    "/t/acme/admin/scim/eventstream/{stream}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/scim/delivery/": (200, 200, 200, 200),
    "/t/acme/admin/scim/delivery/{delivery}/change/": (200, 200, 200, 200),
    "/t/acme/admin/scim/delivery/{delivery}/skip/": (403, 403, 200, 200),
    "/t/acme/admin/scim/delivery/add/": (403, 403, 403, 403),
    "/t/acme/admin/scim/delivery/{delivery}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/accounts/account/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/account/{tara}/change/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/account/add/": (403, 403, 403, 200),
    "/t/acme/admin/accounts/account/invite/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/account/{tara}/invite/": (403, 200, 200, 200),
    "/t/acme/admin/accounts/account/{tara}/remove/": (403, 403, 403, 200),
    "/t/acme/admin/accounts/identityprovider/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/identityprovider/add/": (403, 403, 403, 403),
    "/t/acme/admin/accounts/identityprovider/set-up-oidc/": (403, 403, 403, 200),
    "/t/acme/admin/accounts/identityprovider/set-up-saml/": (403, 403, 403, 200),
    "/t/acme/admin/accounts/account/{tara}/unlink/": (403, 403, 403, 200),
    "/t/acme/admin/sso/oidc/start/": (404, 404, 404, 404),
    "/t/acme/admin/sso/oidc/test/": (404, 404, 404, 404),
    "/t/acme/admin/sso/oidc/renew/": (404, 404, 404, 404),
    "/t/acme/admin/sso/oidc/": (404, 404, 404, 404),
    "/t/acme/admin/sso/saml/": (404, 404, 404, 404),
    "/t/acme/admin/invitation/x/": (404, 404, 404, 404),
    "/t/acme/admin/accounts/auditentry/": (200, 200, 200, 200),
    "/t/acme/admin/accounts/auditentry/export/": (200, 403, 200, 200),
    "/t/acme/admin/tenants/reconciliation/": (200, 200, 200, 200),
    "/t/acme/admin/tenants/reconciliation/add/": (403, 403, 200, 200),
    "/t/acme/admin/tenants/reconciliation/{report}/change/": (200, 200, 200, 200),
    "/t/acme/admin/tenants/reconciliation/{report}/progress/": (200, 200, 200, 200),
    "/t/acme/admin/tenants/reconciliation/{report}/delete-report/": (403, 403, 200, 200),
    "/t/acme/admin/tenants/reconciliation/{report}/delete/": (403, 403, 403, 403),
    "/t/acme/admin/scim/difference/": (200, 200, 200, 200),
    "/t/acme/admin/scim/difference/add/": (403, 403, 403, 403),
    "/t/acme/admin/scim/difference/export/": (403, 403, 200, 200),
    "/t/acme/admin/scim/departure/": (200, 200, 200, 200),
    "/t/acme/admin/scim/departure/add/": (403, 403, 403, 403),
    "/t/acme/admin/scim/departure/export/": (403, 403, 200, 200),
    "/t/acme/admin/tenants/tenant/": (404, 404, 404, 404),
    "/t/acme/admin/login/": (404, 404, 404, 404),
    "/t/acme/admin/login/passkey/": (404, 404, 404, 404),
    "/t/acme/admin/logout/": (404, 404, 404, 404),
    "/t/acme/admin/password_change/": (404, 404, 404, 404),
    "/t/acme/admin/confirm/": (404, 404, 404, 404),
    "/t/acme/admin/you/": (404, 404, 404, 404),
    "/t/acme/admin/password_change/done/": (404, 404, 404, 404),
    "/t/acme/scim/Users": (404, 404, 404, 404),
    "/t/acme/t/globex/admin/": (404, 404, 404, 404),
    "/t/acme": (404, 404, 404, 404),
    "/t/ACME/admin/": (404, 404, 404, 404),
    "/t/admin/admin/": (404, 404, 404, 404),
    "/t/nobody/admin/": (404, 404, 404, 404),
    "/t/": (404, 404, 404, 404),
}
# Pages that tenant admins cannot open, or only to act: closed while viewing as one.
NOT_AS_ADMIN = frozenset(
    path
    for path in VISIT
    if path.endswith(
        (
            *("/erase/", "/withdraw-erasure/", "/hold/", "/lift-hold/"),
            *("/guard/", "/restore/", "/export/", "/dry-run/", "/add/", "/redefine/", "/remove/"),
            *("/revoke/", "/rotate/", "/move/", "/secret/", "/pause/", "/resume/", "/end/"),
            *(
                "/invite/",
                "/delete-report/",
                "/skip/",
                "/set-up-oidc/",
                "/set-up-saml/",
                "/unlink/",
            ),
            *("/mute/", "/unmute/", "/restrict/"),
            *("/require-approval/", "/stop-requiring-approval/"),
        )
    )
)
# path -> the statuses for an anonymous visitor, a member, a tenant admin
OWN_HOST = {
    "/": (302, 302, 302),
    "/admin/login/": (200, 200, 302),
    "/admin/login/passkey/": (200, 200, 302),
    "/admin/": (302, 302, 200),
    "/admin/tenants/alarm/": (302, 302, 200),
    "/admin/tenants/alarm/guard/": (302, 302, 200),
    "/admin/problems/": (302, 302, 404),
    "/admin/tenants/problem/": (302, 302, 200),
    "/admin/tenants/problem/{problem}/change/": (302, 302, 200),
    "/admin/tenants/problem/{problem}/mute/": (302, 302, 200),
    "/admin/setup/": (302, 302, 200),
    "/admin/setup/progress/": (302, 302, 200),
    "/admin/search/": (302, 302, 200),
    "/admin/api/": (302, 302, 200),
    "/admin/api/reference/": (302, 302, 200),
    "/admin/accounts/logo/": (302, 302, 200),
    "/admin/scim/provisioningevent/news/": (302, 302, 200),
    "/admin/scim/provisioningevent/{event}/change/": (302, 302, 200),
    "/admin/tenants/reconciliation/{report}/change/": (302, 302, 200),
    "/admin/tenants/reconciliation/{report}/progress/": (302, 302, 200),
    "/admin/you/authenticator/": (302, 302, 200),
    "/admin/you/passkey/": (302, 302, 200),
    "/admin/you/recovery-codes/": (302, 302, 200),
    "/admin/you/remove-factor/": (302, 302, 200),
    "/admin/scim/user/": (302, 302, 200),
    "/admin/scim/user/{bjensen}/change/": (302, 302, 200),
    "/admin/scim/user/{jsmith}/change/": (302, 302, 404),
    "/admin/scim/user/add/": (302, 302, 403),
    "/admin/scim/user/{bjensen}/delete/": (302, 302, 403),
    "/admin/scim/user/{bjensen}/then/": (302, 302, 200),
    "/admin/scim/user/{jsmith}/then/": (302, 302, 404),
    "/admin/scim/user/{bjensen}/restore/": (302, 302, 403),
    "/admin/scim/user/{bjensen}/erase/": (302, 302, 403),
    "/admin/scim/user/{bjensen}/withdraw-erasure/": (302, 302, 403),
    "/admin/scim/user/{bjensen}/hold/": (302, 302, 403),
    "/admin/scim/user/{bjensen}/lift-hold/": (302, 302, 403),
    "/admin/scim/user/export/": (302, 302, 200),
    "/admin/scim/group/": (302, 302, 200),
    "/admin/scim/group/{guides}/change/": (302, 302, 200),
    "/admin/scim/group/{guides}/then/": (302, 302, 200),
    "/admin/scim/provisioningevent/": (302, 302, 200),
    "/admin/scim/provisioningevent/explanations/": (302, 302, 200),
    "/admin/scim/provisioningevent/{event}/dry-run/": (302, 302, 403),
    "/admin/scim/provisioningevent/export/": (302, 302, 200),
    "/admin/scim/extensionschema/": (302, 302, 200),
    "/admin/scim/extensionschema/{schema}/change/": (302, 302, 200),
    "/admin/scim/extensionschema/add/": (302, 302, 403),
    "/admin/scim/extensionschema/{schema}/redefine/": (302, 302, 403),
    "/admin/scim/extensionschema/{schema}/remove/": (302, 302, 403),
    "/admin/accounts/secrettoken/": (302, 302, 200),
    "/admin/accounts/secrettoken/{token}/change/": (302, 302, 200),
    "/admin/accounts/secrettoken/add/": (302, 302, 403),
    "/admin/accounts/secrettoken/{token}/revoke/": (302, 302, 403),
    "/admin/accounts/secrettoken/{token}/rotate/": (302, 302, 403),
    "/admin/accounts/secrettoken/{token}/move/": (302, 302, 403),
    "/admin/accounts/secrettoken/{token}/restrict/": (302, 302, 403),
    "/admin/accounts/credentialrequest/": (302, 302, 200),
    "/admin/accounts/credentialrequest/require-approval/": (302, 302, 200),
    "/admin/accounts/credentialrequest/stop-requiring-approval/": (302, 302, 403),
    "/admin/accounts/oauthclient/": (302, 302, 200),
    "/admin/accounts/oauthclient/{client}/change/": (302, 302, 200),
    "/admin/accounts/oauthclient/add/": (302, 302, 403),
    "/admin/accounts/oauthclient/{client}/revoke/": (302, 302, 403),
    "/admin/accounts/oauthclient/{client}/secret/": (302, 302, 403),
    "/admin/accounts/oauthclient/{client}/restrict/": (302, 302, 403),
    "/admin/accounts/oauthclient/secret/{secret}/revoke/": (302, 302, 403),
    "/admin/scim/eventstream/": (302, 302, 200),
    "/admin/scim/eventstream/{stream}/change/": (302, 302, 200),
    "/admin/scim/eventstream/{elsewhere}/change/": (302, 302, 404),
    "/admin/scim/eventstream/add/": (302, 302, 403),
    "/admin/scim/eventstream/{stream}/pause/": (302, 302, 403),
    "/admin/scim/eventstream/{stream}/resume/": (302, 302, 403),
    "/admin/scim/eventstream/{stream}/end/": (302, 302, 403),
    "/admin/scim/delivery/": (302, 302, 200),
    "/admin/scim/delivery/{delivery}/change/": (302, 302, 200),
    "/admin/scim/delivery/{delivery}/skip/": (302, 302, 403),
    "/admin/accounts/account/": (302, 302, 200),
    "/admin/accounts/account/{tara}/change/": (302, 302, 200),
    "/admin/accounts/account/add/": (302, 302, 403),
    "/admin/accounts/account/invite/": (302, 302, 200),
    "/admin/accounts/account/{tara}/invite/": (302, 302, 200),
    "/admin/accounts/account/{tara}/remove/": (302, 302, 200),
    "/admin/accounts/account/{tara}/deactivate/": (302, 302, 403),
    "/admin/accounts/account/{tara}/unlock/": (302, 302, 200),
    "/admin/accounts/account/{tara}/reset-factors/": (302, 302, 403),
    "/admin/accounts/account/require-factor/": (302, 302, 200),
    "/admin/accounts/account/stop-requiring-factor/": (302, 302, 200),
    "/admin/accounts/identityprovider/": (302, 302, 200),
    "/admin/accounts/identityprovider/set-up-oidc/": (302, 302, 200),
    "/admin/accounts/identityprovider/set-up-saml/": (302, 302, 200),
    "/admin/sso/oidc/start/": (403, 403, 403),
    "/admin/sso/oidc/test/": (404, 404, 403),
    "/admin/sso/oidc/renew/": (404, 404, 403),
    "/admin/accounts/account/{tara}/unlink/": (302, 302, 200),
    "/admin/sso/oidc/": (403, 403, 403),
    "/admin/sso/saml/": (405, 405, 405),
    "/admin/sso/saml/finish/": (403, 403, 403),
    "/admin/sso/saml/metadata/": (200, 200, 200),
    "/admin/invitation/x/": (410, 410, 410),
    "/admin/accounts/account/{tara}/password/": (302, 302, 403),
    "/admin/accounts/auditentry/": (302, 302, 200),
    "/admin/accounts/auditentry/export/": (302, 302, 200),
    "/admin/tenants/reconciliation/": (302, 302, 200),
    "/admin/tenants/reconciliation/add/": (302, 302, 200),
    "/admin/tenants/reconciliation/{report}/delete-report/": (302, 302, 200),
    "/admin/scim/difference/": (302, 302, 200),
    "/admin/scim/difference/export/": (302, 302, 200),
    "/admin/scim/departure/": (302, 302, 200),
    "/admin/scim/departure/export/": (302, 302, 200),
    "/admin/tenants/tenant/": (302, 302, 404),
    "/admin/password_change/": (302, 302, 200),
    "/admin/confirm/": (302, 302, 200),
    "/admin/forgot/": (200, 200, 200),
    "/admin/reset/mypscim_reset_x/": (410, 410, 410),
    "/admin/you/": (302, 302, 200),
    "/admin/you/end-others/": (302, 302, 200),
    "/t/acme/admin/": (404, 404, 404),
    "/t/globex/admin/": (404, 404, 404),
}


@pytest.fixture
def names(
    operator,
    acme,
    staff,
    tara,
    minted,
    created,
    extend,
    stream,
    elsewhere,
    delivery,
    jsmith,
    guides,
):
    """The keys of the objects in the paths of the tables."""
    return {
        "operator": operator.pk,
        "acme": acme.pk,
        "alice": staff[Role.SUPPORT].pk,
        "tara": tara.pk,
        "token": minted.token.pk,
        "client": created.client.pk,
        "secret": created.secret.pk,
        "schema": extend(acme).pk,
        "stream": stream.pk,
        "elsewhere": elsewhere.pk,
        "delivery": delivery.pk,
        "bjensen": delivery.resource_id,
        "jsmith": jsmith.id,
        "guides": guides.id,
        "event": _event_of(acme),
        "problem": _problem_of(acme),
        "report": _report_of(acme),
    }


def _report_of(tenant):
    now = clock.now()
    with in_public():
        return Reconciliation.objects.create(
            id=clock.new_id(now), tenant=tenant, asked_at=now, users=1, delete_at=now + KEPT
        ).pk


def _problem_of(tenant):
    now = clock.now()
    with in_public():
        return Problem.objects.create(
            id=clock.new_id(now),
            tenant=tenant,
            subject="User",
            reason="user.email-missing",
            operation="create",
            status=400,
            request_id="none",
            first_at=now,
            last_at=now,
            times=1,
        ).pk


def _event_of(tenant):
    with in_tenant(tenant):
        return ProvisioningEvent.objects.order_by("id")[0].pk


def statuses(browser, paths, names):
    return {path: browser.get(path.format(**names)).status_code for path in paths}


@pytest.mark.parametrize(("column", "role"), list(enumerate(ROLES)))
def test_staff_open_the_screens_of_their_role(column, role, operator, staff, names, open_browser):
    browser = open_browser(operator, staff[role])

    opened = statuses(browser, STAFF_SITE | VISIT, names)

    assert opened == {path: row[column] for path, row in (STAFF_SITE | VISIT).items()}


@pytest.mark.parametrize(("column", "role"), list(enumerate(ROLES))[1:])
def test_staff_who_view_as_tenant_admin_open_what_tenant_admins_see_and_no_act(
    column, role, operator, acme, staff, names, open_browser
):
    browser = open_browser(operator, staff[role])
    view_as_admin(browser, acme)

    opened = statuses(browser, VISIT, names)

    assert opened == {
        path: 403 if path in NOT_AS_ADMIN and row[column] == 200 else row[column]
        for path, row in VISIT.items()
    }


def test_tenant_admins_open_their_users_log_and_tokens_and_members_nothing(
    acme, tara, add, names, open_browser
):
    member = add(acme, "mo@acme.example", Role.MEMBER)

    opened = [
        statuses(open_browser(acme, account), OWN_HOST, names) for account in (None, member, tara)
    ]

    assert opened == [{path: row[column] for path, row in OWN_HOST.items()} for column in range(3)]


def written(executed):
    """The tables that statements write, but for the session, the note of who looked and of who was refused to sign in."""
    found = {
        re.search(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", each)[1]
        for each in executed
        if re.match(r"\s*(?:WITH|INSERT|UPDATE|DELETE)\b", each)
        and re.search(r"\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?\w+", each)
    }
    return found - {"accounts_session", "accounts_auditentry", "accounts_guesses"}


def test_looking_at_a_page_changes_nothing(
    operator, acme, staff, tara, names, open_browser, statements
):
    """A link on another site opens each of them with the session of who follows it."""
    ways = [
        (open_browser(operator, staff[Role.OPERATOR]), STAFF_SITE | VISIT),
        (open_browser(acme, tara), OWN_HOST),
    ]

    changed = {}
    for browser, paths in ways:
        for path in paths:
            with statements() as executed:
                browser.get(path.format(**names))
            changed[path] = written(executed)

    assert {path: tables for path, tables in changed.items() if tables} == {}


def test_an_address_in_a_link_signs_nobody_out_and_ends_nothing(alice, acme):
    view_as_admin(alice, acme)

    answers = [
        alice.get("/admin/logout/").status_code,
        alice.get(f"/admin/tenants/tenant/{acme.pk}/view-as-admin/stop/").status_code,
    ]

    assert answers == [405, 403]
    assert "Stop" in alice.get("/t/acme/admin/").text


def test_a_visitor_without_a_session_is_sent_to_the_staff_sign_in_page(
    operator, names, open_browser
):
    browser = open_browser(operator)

    sent = {
        path: browser.get(path.format(**names)).headers.get("Location")
        for path in ("/admin/tenants/tenant/", "/t/acme/admin/scim/user/", "/t/nobody/admin/")
    }

    assert sent == {path: f"/admin/login/?next={path}" for path in sent}


@pytest.mark.parametrize("role", ROLES)
def test_everything_provisioned_and_logged_refuses_to_be_written(
    role, operator, staff, names, open_browser
):
    browser = open_browser(operator, staff[role])
    pages = [
        "scim/user/",
        "scim/user/add/",
        "scim/user/{bjensen}/change/",
        "scim/user/{bjensen}/delete/",
        "scim/user/{bjensen}/then/",
        "scim/group/",
        "scim/group/add/",
        "scim/group/{guides}/change/",
        "scim/group/{guides}/delete/",
        "scim/group/{guides}/then/",
        "scim/provisioningevent/",
        "scim/provisioningevent/add/",
        "scim/provisioningevent/explanations/",
        "accounts/secrettoken/",
        "accounts/secrettoken/{token}/change/",
        "accounts/secrettoken/{token}/delete/",
        "accounts/auditentry/",
        "accounts/auditentry/add/",
        "accounts/account/{tara}/change/",
        "accounts/account/{tara}/delete/",
    ]
    asked = [f"/t/acme/admin/{page}".format(**names) for page in pages]

    refused = {
        (method, path): browser.generic(method, path).status_code
        for path in asked
        for method in ("POST", "PUT", "PATCH", "DELETE")
    }

    written = {key for key, status in refused.items() if status != 403}
    assert written <= {
        (m, p) for m, p in refused if m != "POST" and p.endswith(("add/", "delete/"))
    }
    assert {refused[key] for key in written} <= {403, 405}


@pytest.mark.parametrize("parameter", ["document__userName__startswith", "comparable__contains"])
def test_a_list_filters_only_by_what_it_offers(parameter, acme, tara, bjensen, open_browser):
    """Otherwise a column that is not shown could be guessed letter by letter."""
    browser = open_browser(acme, tara)

    answers = {
        browser.get("/admin/scim/user/", {parameter: "b"}).status_code,
        browser.get("/admin/accounts/secrettoken/", {"digest__gt": "b"}).status_code,
        browser.get(
            "/admin/accounts/secrettoken/", {"issued_for__password__startswith": "p"}
        ).status_code,
    }

    assert answers == {400}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/admin/tenants/tenant/add/", "Your role does not include this"),
        ("/t/nobody/admin/", "There is nothing here"),
        ("/t/acme/admin/scim/user/nobody/change/", "There is nothing here"),
    ],
)
def test_a_refusal_says_what_happened_and_leads_on(path, sentence, alice, acme):
    page = alice.get(path).text

    assert sentence in page
    assert 'href="/">Go to the overview</a>' in page


def test_a_form_that_is_refused_for_its_cookie_says_what_to_do(operator, open_browser):
    browser = open_browser(operator)
    browser.handler.enforce_csrf_checks = True

    answer = browser.post("/admin/login/", {"username": "alice@mypolicies.example"})

    assert answer.status_code == 403
    assert "Go back, reload the page and send the form again." in answer.text
