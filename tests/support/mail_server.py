"""A mail server on this machine that takes messages, refuses recipients or never answers."""

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedIOBase
from threading import Event, Thread

from tests.support.waiting import WITHIN


@dataclass(slots=True)
class MailServer:
    """A mail server that keeps its messages; `refused` are addresses that it does not take."""

    port: int
    bodies: list[str] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)


@contextmanager
def running(settings, *, is_silent: bool = False) -> Iterator[MailServer]:
    """The server, which the settings name meanwhile; a silent one takes connections alone."""
    ended = Event()

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if is_silent:
                ended.wait(WITHIN)
                return
            self._say("220 mail.example")
            while line := self.rfile.readline().decode().strip():
                self._answer(line)

        def _answer(self, line: str) -> None:
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "RCPT":
                    address = rest.partition("<")[2].partition(">")[0]
                    if address in started.refused:
                        self._say(f"550 5.1.1 <{address}> is unknown here")
                        return
                    started.recipients.append(address)
                    self._say("250 OK")
                case "DATA":
                    self._say("354 Go on")
                    started.bodies += _message(self.rfile)
                    self._say("250 OK")
                case "QUIT":
                    self._say("221 Bye")
                case _:
                    self._say("250 OK")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        started = MailServer(server.server_address[1])
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", started.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield started
        finally:
            ended.set()
            server.shutdown()


def _message(file: BufferedIOBase) -> list[str]:
    """The message that follows, if all of it comes: up to the dot."""
    lines: list[str] = []
    while read := file.readline().decode():
        if (line := read.rstrip()) == ".":
            return ["\n".join(lines)]
        lines.append(line)
    return []
