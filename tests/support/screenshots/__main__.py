"""Writes docs/screenshots/*.png; without DATABASE_URL on an embedded PostgreSQL of its own."""

import os

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    import django

    django.setup()

    from tests.support.screenshots.taking import take_all

    take_all()
