"""django-scim2 on PostgreSQL: `make bench ARGS=--peers`."""
