"""`make figures`: prints the figures of the house, on an embedded PostgreSQL of its own."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    os.environ.pop("DATABASE_URL", None)

    import django

    django.setup()

    from tests.support.figures.report import report

    for line in report():
        sys.stdout.write(line + "\n")
