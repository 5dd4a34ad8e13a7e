"""Lists of rows have one order: two rows of the same instant never change places between pages."""

import pytest
from django.apps import apps

OURS = [model for model in apps.get_models() if not model.__module__.startswith("django.")]
ORDERED = [model for model in OURS if model._meta.ordering]


def names_of(field):
    return {field.name, field.attname} | ({"pk"} if field.primary_key else set())


@pytest.mark.parametrize("model", ORDERED, ids=lambda model: model.__name__)
def test_the_last_field_of_an_order_tells_any_two_rows_apart(model):
    unique = [each for each in model._meta.concrete_fields if each.unique and not each.null]

    last = model._meta.ordering[-1].removeprefix("-")

    assert last in set().union(*map(names_of, unique))
