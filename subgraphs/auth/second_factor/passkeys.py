"""Passkeys: credentials of WebAuthn (Level 2). The device signs, and the browser says for which page.

The *relying party* is this bank. Its id is a domain. A browser offers a passkey only to pages of this domain, so a page
with a similar name cannot ask for it.

This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from subgraphs.auth.second_factor.factors import Passkey, UsedPasskey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from subgraphs.auth.domain import User

NAME: Final = "MoSafe"
# An attestation without certificates, and a signature, have some hundred bytes. The limit keeps parsing cheap.
MAX_RESPONSE_LENGTH: Final = 16_384
# By WebAuthn, a credential id has at most 1,023 bytes.
_MAX_ID_BYTES: Final = 1023
_MILLISECONDS: Final = 300_000


class InvalidPasskey(Exception):
    """The answer of the browser is malformed, or does not belong to this challenge, this bank or this passkey.

    The message is for logs.
    """


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The bank as WebAuthn knows it.

    Attributes:
        id: a domain, such as `example.com`.
        origins: the pages that may ask for a passkey, such as `https://www.example.com`.
    """

    id: str
    origins: tuple[str, ...]

    def registration_options(self, user: User, challenge: bytes, present: Sequence[Passkey]) -> str:
        """Return the JSON for `navigator.credentials.create`. A device with one of `present` is not asked again."""
        options = webauthn.generate_registration_options(
            rp_id=self.id,
            rp_name=NAME,
            user_id=user.id.encode(),
            user_name=user.email,
            user_display_name=user.name,
            challenge=challenge,
            timeout=_MILLISECONDS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each.credential_id) for each in present],
        )
        return options_to_json(options)

    def assertion_options(self, challenge: bytes, allowed: Sequence[Passkey] = ()) -> str:
        """Return the JSON for `navigator.credentials.get`. Without `allowed`, the device offers all that it has."""
        options = webauthn.generate_authentication_options(
            rp_id=self.id,
            challenge=challenge,
            timeout=_MILLISECONDS,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each.credential_id) for each in allowed],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def registered(self, response: str, challenge: bytes, user_id: str, name: str, now: datetime) -> Passkey:
        """Return the new passkey in the browser's answer to `registration_options`.

        Raises:
            InvalidPasskey: see the class.
        """
        document = _parse(response)
        try:
            verified = webauthn.verify_registration_response(
                credential=document,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                require_user_verification=True,
            )
        except _REFUSALS as error:
            raise InvalidPasskey(str(error)) from error
        if len(verified.credential_id) > _MAX_ID_BYTES:
            raise InvalidPasskey("the id of the credential is too long")
        return Passkey(verified.credential_id, user_id, verified.credential_public_key, verified.sign_count, name, now)

    def used(self, response: str, challenge: bytes, passkey: Passkey, now: datetime) -> UsedPasskey:
        """Return the proof in the browser's answer to `assertion_options`.

        Raises:
            InvalidPasskey: see the class. A counter that has not risen is refused too: somebody may have copied the
                passkey.
        """
        document = _parse(response)
        try:
            verified = webauthn.verify_authentication_response(
                credential=document,
                expected_challenge=challenge,
                expected_rp_id=self.id,
                expected_origin=list(self.origins),
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except _REFUSALS as error:
            raise InvalidPasskey(str(error)) from error
        return UsedPasskey(passkey.credential_id, passkey.sign_count, verified.new_sign_count, now)


# What the library raises for malformed CBOR, keys and signatures, besides its own errors.
_REFUSALS: Final = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError)


def credential_id_of(response: str) -> bytes:
    """Return the id of the passkey that an answer names.

    Raises:
        InvalidPasskey: the answer is malformed.
    """
    return parse_id(str(_parse(response).get("rawId")))


def user_id_of(response: str) -> str | None:
    """Return the user id that a passkey names in its answer (`userHandle`), or None without one.

    Raises:
        InvalidPasskey: the answer is malformed.
    """
    inner = _parse(response).get("response")
    handle = inner.get("userHandle") if isinstance(inner, dict) else None
    if handle is None:
        return None
    return parse_id(str(handle)).decode("utf-8", "replace")


def parse_id(text: str) -> bytes:
    """Return the bytes of a base64url text.

    Raises:
        InvalidPasskey: the text is not base64url, or too long.
    """
    try:
        found = base64url_to_bytes(text)
    except ValueError as error:
        raise InvalidPasskey("not base64url") from error
    if not 0 < len(found) <= _MAX_ID_BYTES:
        raise InvalidPasskey("an id of a wrong length")
    return found


def format_id(credential_id: bytes) -> str:
    """Return the id in base64url, as browsers write it."""
    return bytes_to_base64url(credential_id)


def _parse(response: str) -> dict[str, Any]:
    if len(response) > MAX_RESPONSE_LENGTH:
        raise InvalidPasskey("the answer is too long")
    try:
        document = json.loads(response)
    except (ValueError, RecursionError) as error:
        raise InvalidPasskey("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise InvalidPasskey("the answer is not an object")
    return document
