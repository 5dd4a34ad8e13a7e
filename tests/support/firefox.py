"""Firefox as Debian ships it, driven by its own Marionette protocol: a socket, and commands of WebDriver.

Playwright drives a patched build of its own, and geckodriver, which translates WebDriver to this protocol, is
in no Debian release (decision 0128). A packet is the length of a JSON text in digits, a colon, and the text.
"""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.ports import free_port
from tests.support.waiting import WITHIN

FIREFOX: Final = shutil.which("firefox-esr") or shutil.which("firefox")
_WAIT_MS: Final = 60_000  # for an element to be there
_TRIES: Final = 20  # to use an element before the page replaces it
_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name of a reference
# Nothing leaves the machine: no updates, no telemetry, no captive portal.
_PREFERENCES: Final = {
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
}


class FirefoxError(Exception):
    """Firefox refused a command."""


class Firefox:
    """One window of a running Firefox."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._sent = 0
        self._read()  # it introduces itself
        self.command("WebDriver:NewSession")
        self.command("WebDriver:SetTimeouts", implicit=_WAIT_MS)

    def command(self, name: str, **parameters: Any) -> Any:
        """The result of a command. Raises FirefoxError."""
        self._sent += 1
        text = json.dumps([0, self._sent, name, parameters]).encode()
        self._connection.sendall(b"%d:%b" % (len(text), text))
        _, _, error, result = self._read()
        if error:
            raise FirefoxError(f"{name}: {error['error']}: {error['message']}")
        return result.get("value") if isinstance(result, dict) and "value" in result else result

    def _read(self) -> Any:
        length = b""
        while (digit := self._stream.read(1)) != b":":
            if not digit:
                raise FirefoxError("Firefox has ended.")
            length += digit
        return json.loads(self._stream.read(int(length)))

    def open(self, url: str) -> None:
        """Load the page at the URL."""
        self.command("WebDriver:Navigate", url=url)

    def find(self, selector: str, text: str = "") -> str:
        """The first element, waited for, that the selector finds; with that text in it, if given."""
        using, value = "css selector", selector
        if text:
            using, value = (
                "xpath",
                f"//{selector}[contains(normalize-space(.), {json.dumps(text)})]",
            )
        found: str = self.command("WebDriver:FindElement", using=using, value=value)[_ELEMENT]
        return found

    def click(self, selector: str, text: str = "") -> None:
        """Click the element that `find` finds."""
        self._use("WebDriver:ElementClick", lambda: self.find(selector, text))

    def fill(self, selector: str, text: str) -> None:
        """Type into the element."""
        self._use("WebDriver:ElementSendKeys", lambda: self.find(selector), text=text)

    def _use(self, name: str, find: Callable[[], str], **parameters: Any) -> None:
        """Give the command for the element, found anew if the page has put another in its place."""
        for _ in range(_TRIES):
            try:
                self.command(name, id=find(), **parameters)
            except FirefoxError as error:
                if "stale element reference" not in str(error):
                    raise
            else:
                return
        raise FirefoxError(f"{name}: the page never keeps the element.")

    def run(self, script: str) -> Any:
        """The value that the body of a function returns in the page."""
        return self.command("WebDriver:ExecuteScript", script=script, args=[])

    @property
    def url(self) -> str:
        found: str = self.command("WebDriver:GetCurrentURL")
        return found


@contextmanager
def running(folder: Path) -> Iterator[Firefox]:
    """A Firefox with a new profile in the folder; ended afterwards."""
    assert FIREFOX is not None
    port = free_port()
    lines = [
        f'user_pref("{name}", {json.dumps(value)});\n'
        for name, value in (_PREFERENCES | {"marionette.port": port}).items()
    ]
    (folder / "user.js").write_text("".join(lines))
    process = subprocess.Popen(
        [FIREFOX, "--headless", "--marionette", "--no-remote", "--profile", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with _connected(port, process) as connection:
            yield Firefox(connection)
    finally:
        process.terminate()
        process.wait(WITHIN)


def _connected(port: int, process: "subprocess.Popen[bytes]") -> socket.socket:
    """The connection, once Firefox listens."""
    until = time.monotonic() + WITHIN
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=WITHIN)
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
