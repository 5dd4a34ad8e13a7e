"""Both admin sites and who sees what; what each role may do there is accounts.permissions.

The staff site is on the staff host. The tenant site is on each tenant's own host, for its tenant
admins, and under /t/<custom domain>/ on the staff host, for staff (accounts.middleware).
"""

from accounts.models import Account, AuditEntry, OAuthClient, SecretToken
from accounts.screens.accounts import AccountAdmin
from accounts.screens.audit_log import AuditEntryAdmin
from accounts.screens.clients import OAuthClientAdmin
from accounts.screens.mails import MailAdmin
from accounts.screens.site import StaffSite
from accounts.screens.tokens import SecretTokenAdmin
from scim.events.delivery_screen import DeliveryAdmin
from scim.events.stream_screen import EventStreamAdmin
from scim.extensions.screen import ExtensionSchemaAdmin
from scim.guard.screen import AlarmAdmin
from scim.inspector.log import ProvisioningEventAdmin
from scim.models import Delivery, EventStream, ExtensionSchema, Group, ProvisioningEvent, User
from scim.monitoring.portal import Portal
from scim.monitoring.tenant_page import TenantScreen
from scim.screens.groups import GroupAdmin
from scim.screens.users import UserAdmin
from tenants.models import Alarm, Mail, Tenant

staff_site = StaffSite()
staff_site.register(Tenant, TenantScreen)
staff_site.register(Account, AccountAdmin)
staff_site.register(AuditEntry, AuditEntryAdmin)
staff_site.register(Mail, MailAdmin)

tenant_site = Portal()
tenant_site.register(User, UserAdmin)
tenant_site.register(Group, GroupAdmin)
tenant_site.register(ProvisioningEvent, ProvisioningEventAdmin)
tenant_site.register(Alarm, AlarmAdmin)
tenant_site.register(SecretToken, SecretTokenAdmin)
tenant_site.register(OAuthClient, OAuthClientAdmin)
tenant_site.register(ExtensionSchema, ExtensionSchemaAdmin)
tenant_site.register(EventStream, EventStreamAdmin)
tenant_site.register(Delivery, DeliveryAdmin)
tenant_site.register(Account, AccountAdmin)
tenant_site.register(AuditEntry, AuditEntryAdmin)
