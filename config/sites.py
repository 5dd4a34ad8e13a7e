"""Both admin sites and who sees what; what each role may do there is accounts.permissions.

The staff site is on the staff host. The tenant site is on each tenant's own host, for its tenant
admins, and under /t/<custom domain>/ on the staff host, for staff (accounts.middleware).
"""

from accounts.admin.accounts import AccountAdmin
from accounts.admin.audit import AuditEntryAdmin
from accounts.admin.clients import OAuthClientAdmin
from accounts.admin.mails import MailAdmin
from accounts.admin.site import StaffSite
from accounts.admin.tokens import SecretTokenAdmin
from accounts.models import Account, AuditEntry, OAuthClient, SecretToken
from scim.admin.alarms import AlarmAdmin
from scim.admin.deliveries import DeliveryAdmin
from scim.admin.events import ProvisioningEventAdmin
from scim.admin.groups import GroupAdmin
from scim.admin.portal import Portal
from scim.admin.schemas import ExtensionSchemaAdmin
from scim.admin.streams import EventStreamAdmin
from scim.admin.tenants import TenantScreen
from scim.admin.users import UserAdmin
from scim.models import Delivery, EventStream, ExtensionSchema, Group, ProvisioningEvent, User
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
