"""Event streams and their receivers, for the tests of others too."""

import pytest
from django.db import transaction

from scim.events.models import Delivery, DeliveryMethod
from tenants.current import in_tenant
from tests.events import streams


@pytest.fixture
def stream(acme):
    """An event stream of acme that is polled."""
    return streams.created(acme, DeliveryMethod.POLL).stream


@pytest.fixture
def delivery(acme, stream, bjensen):
    """The delivery that waits for the stream: bjensen was created."""
    with transaction.atomic(), in_tenant(acme):
        return Delivery.objects.get()


@pytest.fixture
def elsewhere(globex):
    """An event stream of globex."""
    return streams.created(globex, DeliveryMethod.POLL).stream


@pytest.fixture
def poller(acme):
    """A receiver that gets the whole of every change."""
    return streams.Poller(acme, event_uris=streams.FULLS)
