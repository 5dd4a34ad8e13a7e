"""Both admin sites and who sees what; what each role may do there is accounts.permissions.

The staff site is on the staff host. The tenant site is on each tenant's own host, for its tenant
admins, and under /t/<custom domain>/ on the staff host, for staff (accounts.middleware).
"""

from accounts.console.site import add_part
from accounts.models import (
    Account,
    AuditEntry,
    CredentialRequest,
    IdentityProvider,
    Logo,
    OAuthClient,
    SecretToken,
)
from accounts.screens.accounts import AccountAdmin
from accounts.screens.approvals import CredentialRequestAdmin
from accounts.screens.audit_log import AuditEntryAdmin
from accounts.screens.clients import OAuthClientAdmin
from accounts.screens.logos import LogoAdmin
from accounts.screens.mails import MailAdmin
from accounts.screens.single_sign_on import IdentityProviderAdmin
from accounts.screens.site import StaffSite, TenantSite
from accounts.screens.tenants import TenantAdmin
from accounts.screens.tokens import SecretTokenAdmin
from accounts.screens.your_account import YourAccount
from scim.models import Group, User
from scim.provider.features import features
from scim.screens.groups import GroupAdmin
from scim.screens.users import UserAdmin
from tenants.models import Mail, Tenant

tenant_site = TenantSite()
staff_site = StaffSite(tenant_site)
for site in (tenant_site, staff_site):
    add_part(site, YourAccount)
staff_site.register(Tenant, TenantAdmin)
staff_site.register(Account, AccountAdmin)
staff_site.register(AuditEntry, AuditEntryAdmin)
staff_site.register(Mail, MailAdmin)

# The navigation has the order of registration.
tenant_site.register(User, UserAdmin)
tenant_site.register(Group, GroupAdmin)
tenant_site.register(SecretToken, SecretTokenAdmin)
tenant_site.register(CredentialRequest, CredentialRequestAdmin)
tenant_site.register(OAuthClient, OAuthClientAdmin)
for feature in features():
    feature.register(staff_site, tenant_site)
tenant_site.register(Account, AccountAdmin)
tenant_site.register(IdentityProvider, IdentityProviderAdmin)
tenant_site.register(Logo, LogoAdmin)
tenant_site.register(AuditEntry, AuditEntryAdmin)
