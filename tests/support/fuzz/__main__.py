"""`make fuzz`: sends requests that nobody should send (tests.support.fuzz.sending)."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    import django

    django.setup()

    from tests.support.fuzz.sending import main

    sys.exit(main())
