"""Servers of other projects, as small as their documentation has them; they run in .venv-bench."""
