"""The history of a table that is gone: Django's own sessions, from before those of `accounts.sessions`.

It goes on under the label of Django's app, so a tenant of any age, and a backup of one, takes the same way.
"""

from django.apps import AppConfig


class FormerSessionsConfig(AppConfig):
    name = "accounts.former_sessions"
    label = "sessions"
