"""`make figures`: prints the figures of the house, on an embedded PostgreSQL of its own."""

import logging
import os
import sys

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    os.environ.pop("DATABASE_URL", None)

    import django

    django.setup()
    logging.disable(logging.WARNING)  # a line of each request

    from tests.support.figures.report import report

    for line in report():
        sys.stdout.write(line + "\n")
