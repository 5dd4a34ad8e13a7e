"""The composition root; an app only for its commands."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
