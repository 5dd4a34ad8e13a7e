"""The user model and the tokens of the django-scim2 server."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Person(AbstractSCIMUserMixin, AbstractUser):
    """A provisioned user."""

    scim_groups = models.ManyToManyField("Team", related_name="user_set")


class Team(AbstractSCIMGroupMixin):
    """A provisioned group; nobody is in one."""

    name = models.CharField(max_length=150)


class Token(models.Model):  # noqa: DJ008  # is shown nowhere
    """A bearer token by its digest, with the user that it acts for."""

    digest = models.BinaryField(unique=True)
    user = models.ForeignKey(Person, models.CASCADE)
