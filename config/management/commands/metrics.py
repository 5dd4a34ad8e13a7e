"""`manage.py metrics`: serves figures to Prometheus on a port of their own, until it is stopped."""

import signal
import sys
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from config import metrics
from config.database import share_sessions
from tenants.management.kit import HouseCommand


class Command(HouseCommand):
    help = "Serve figures to Prometheus on METRICS_PORT of METRICS_BIND, for all processes of this DATA_DIR."
    examples = ("manage.py metrics", "manage.py metrics --once")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="Print the figures and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        if metrics.counts() is None:
            raise CommandError("METRICS_PORT is not set, so nothing is counted.")
        from prometheus_client import CollectorRegistry, generate_latest, start_http_server
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(metrics.place()))  # type: ignore[no-untyped-call]
        registry.register(metrics.Gauges())
        if options["once"]:
            self.stdout.write(generate_latest(registry).decode(), ending="")
            return
        share_sessions()  # each request has a thread of its own, and PostgreSQL may have no room later
        stopping = Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        server, thread = start_http_server(
            settings.METRICS_PORT, settings.METRICS_BIND, registry=registry
        )
        stopping.wait()
        server.shutdown()
        thread.join()
        sys.exit(0)
