"""Debian's nginx with the configuration of deploy/nginx, on a port of the tests' and without TLS."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from tenants import clock
from tests.support.ports import free_port
from tests.support.waiting import WITHIN, wait_until

PROGRAM: Final = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
SHIPPED: Final = settings.BASE_DIR / "deploy" / "nginx" / "mypolicies.conf"
_MAIN: Final = """\
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/start.log crit;
worker_processes 1;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/mypolicies.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running nginx."""

    port: int
    folder: Path

    @property
    def log(self) -> str:
        """All that it has logged."""
        return "".join(file.read_text() for file in sorted(self.folder.glob("*.log")))

    def lines(self, request_ids: Sequence[str]) -> list[dict[str, object]]:
        """Its lines of these requests, once they are there: it answers before it writes them."""

        def written() -> dict[str, dict[str, object]]:
            text = (self.folder / "mypolicies.log").read_text()
            lines = (json.loads(line) for line in text.splitlines())
            return {line["request_id"]: line for line in lines}

        wait_until(lambda: written().keys() >= set(request_ids), "nginx logged")
        return [written()[each] for each in request_ids]


@contextmanager
def running(upstream: int) -> Iterator[Proxy]:
    """The proxy before a server on that port of this machine, while it runs."""
    assert PROGRAM, "This needs nginx: apt install nginx"
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    folder.chmod(0o755)
    proxy = Proxy(free_port(), folder)
    (folder / "mypolicies.conf").write_text(_moved(SHIPPED.read_text(), proxy, upstream))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=user))
    process = subprocess.Popen([PROGRAM, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        wait_until(lambda: _answers(proxy.port), "nginx answered")
        yield proxy
    finally:
        process.terminate()
        process.wait(WITHIN)
        shutil.rmtree(folder)


def is_valid(text: str, folder: Path) -> tuple[bool, str]:
    """True if nginx accepts the configuration of http, and what it says."""
    assert PROGRAM
    (folder / "mypolicies.conf").write_text(text)
    (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, user=""))
    done = subprocess.run(
        [PROGRAM, "-t", "-p", str(folder), "-c", str(folder / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stderr


def make_certificate(key_file: Path, certificate_file: Path) -> None:
    """Write a key, and a certificate that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mypolicies.example")])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(pem, private, serialization.NoEncryption()))
    certificate_file.write_bytes(certificate.public_bytes(pem))


def _moved(text: str, proxy: Proxy, upstream: int) -> str:
    """The shipped configuration with another port, address behind it and folder of logs."""
    head, mark, _ = text.partition("\nserver {\n    listen 80")
    assert mark, "The server that redirects comes last."
    head = re.sub(r"(?m)^    (?:listen \[::\]:443|ssl_).*\n", "", head)
    head = re.sub(r"listen 443 ssl http2", f"listen 127.0.0.1:{proxy.port}", head)
    head = head.replace("server 127.0.0.1:8000", f"server 127.0.0.1:{upstream}")
    return head.replace("/var/log/nginx", str(proxy.folder))


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=WITHIN)
    try:
        connection.request("GET", "/livez")
        return bool(connection.getresponse().status)
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()
