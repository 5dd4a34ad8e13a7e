"""The rules of a tenant about passwords: switched off, all but one account signs in without."""

from accounts.models import Account, IdentityLink, IdentityProvider


def requiring_provider() -> IdentityProvider | None:
    """The current tenant's provider that is required in place of passwords; None while they work."""
    required = IdentityProvider.objects.select_related("break_glass").filter(
        break_glass__isnull=False
    )
    return required.filter(is_enabled=True).first()


def may_use_password(account: Account) -> bool:
    """True if the account signs in by password: it is the break-glass account, or all do."""
    provider = requiring_provider()
    return provider is None or provider.break_glass_id == account.pk


def is_break_glass(account: Account) -> bool:
    """True if the account is the one that still signs in by password."""
    return IdentityProvider.objects.filter(break_glass=account).exists()


def is_linked(account: Account) -> bool:
    """True if the account can sign in by single sign-on that is enabled."""
    enabled = IdentityProvider.objects.filter(is_enabled=True).values_list("kind", "issuer")
    links = IdentityLink.objects.filter(account=account).values_list("kind", "issuer")
    return bool(set(enabled) & set(links))
