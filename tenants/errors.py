"""What cannot be done to tenants and their names."""


class TenantRefused(ValueError):
    """A tenant or name cannot be had as asked; the message is a sentence for whoever asked."""
