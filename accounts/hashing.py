"""The hash of passwords (decision 0061)."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with the parameters that OWASP recommends first: 19 MiB, 2 rounds, 1 lane."""

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1
