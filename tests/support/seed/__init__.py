"""A database that looks like a real one, for development and screenshots: `python -m tests.support.seed`."""
