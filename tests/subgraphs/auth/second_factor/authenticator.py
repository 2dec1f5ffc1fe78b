"""A virtual authenticator: it makes passkeys and signs with them, as a browser and a device do together."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """A device with one passkey.

    Attributes:
        origin: the page that asks; a phishing page has another one.
        rp_id: the domain for which the device signs; None for that of the options.
        flags: what the device says about its user.
        counts: whether the device counts its signatures.
    """

    origin: str = "http://localhost:3001"
    rp_id: str | None = None
    flags: int = PRESENT | VERIFIED
    counts: bool = True
    sign_count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""

    @property
    def id(self) -> str:
        return bytes_to_base64url(self.credential_id)

    def create(self, options: str, **client_data: object) -> str:
        """The answer to `navigator.credentials.create`; `client_data` replaces members of the client data."""
        wanted = json.loads(options)
        self.user_handle = base64url_to_bytes(wanted["user"]["id"])
        point = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        credential = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cose
        data = self._data(wanted["rp"]["id"], self.flags | ATTESTED) + credential
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": bytes_to_base64url(self._client_data("webauthn.create", wanted, client_data)),
            "attestationObject": bytes_to_base64url(attestation),
        }
        return self._answer(response)

    def get(self, options: str, **client_data: object) -> str:
        """The answer to `navigator.credentials.get`."""
        wanted = json.loads(options)
        if self.counts:
            self.sign_count += 1
        data = self._data(wanted["rpId"], self.flags)
        client = self._client_data("webauthn.get", wanted, client_data)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(client),
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
            "userHandle": bytes_to_base64url(self.user_handle),
        }
        return self._answer(response)

    def _data(self, rp_id: str, flags: int) -> bytes:
        return (
            hashlib.sha256((self.rp_id or rp_id).encode()).digest()
            + bytes([flags])
            + self.sign_count.to_bytes(4, "big")
        )

    def _client_data(self, kind: str, wanted: dict[str, Any], other: dict[str, object]) -> bytes:
        found = {"type": kind, "challenge": wanted["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps({**found, **other}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        answer = {
            "id": self.id,
            "rawId": self.id,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
            "authenticatorAttachment": "platform",
        }
        return json.dumps(answer)
