"""An authenticator in software, and what it is asked and answers on the pages of sign-in."""

import hashlib
import json
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

from tests.support.pages import nonce_in

ADD = "/admin/you/passkey/"
PRESENT, VERIFIED, WITH_CREDENTIAL = 0x01, 0x04, 0x40


class Authenticator:
    """One key, that signs for any origin and host that it is told."""

    def __init__(self, tenant):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = b"a credential of the tests"
        self.origin, self.host, self.count = tenant.base_url, tenant.host, 0
        self.user, self.flags = None, PRESENT | VERIFIED

    def made(self, options):
        """The browser's answer to navigator.credentials.create."""
        self.user = options["user"]["id"]
        public = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        data = self._data(self.flags | WITH_CREDENTIAL) + attested
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        client = self._client("webauthn.create", options)
        return self._answer(attestationObject=cbor.encode(statement), clientDataJSON=client)

    def signed(self, options):
        """The browser's answer to navigator.credentials.get, with the account the key is for."""
        self.count += 1
        data, client = self._data(self.flags), self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        signed = {"authenticatorData": data, "clientDataJSON": client, "signature": signature}
        return self._answer(**signed, userHandle=self.user)

    def _data(self, flags):
        host = hashlib.sha256(self.host.encode()).digest()
        return host + struct.pack(">BI", flags, self.count)

    def _client(self, kind, options):
        client = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(client).encode()

    def _answer(self, **response):
        key = websafe_encode(self.id)
        encoded = {
            name: value if isinstance(value, str) else websafe_encode(value)
            for name, value in response.items()
            if value is not None
        }
        return json.dumps({"id": key, "rawId": key, "type": "public-key", "response": encoded})


def options_on(page):
    form = page.context["passkey"] or page.context["form"]
    return json.loads(form.fields["credential"].widget.attrs["data-options"])


def add(browser, authenticator):
    page = browser.get(ADD)
    form = page.context["form"]
    options = json.loads(form.fields["credential"].widget.attrs["data-options"])
    answer = {"name": "Key", "credential": authenticator.made(options)}
    return browser.post(ADD, {"nonce": nonce_in(page), **answer}, follow=True)
