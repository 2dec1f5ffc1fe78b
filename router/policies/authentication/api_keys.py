"""API keys: long random texts that identify programs. Only their SHA-256 digests are stored and compared."""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Any, Final

from router.policies.authentication.refusals import CredentialRefused
from router.policies.load_operator_functions import PolicySetupError, call, load_function
from router.request.identity import Identity, scopes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from router.settings.sections.authentication import ApiKeys

FILE_KEY: Final = "authentication.api_keys.file"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class ApiKeyVerifier:
    """Finds out which client sent a request with an API key.

    The SHA-256 digest of the key is looked up in a dictionary. The time of a lookup can depend on how many characters
    of two digests are equal. This does not help an attacker, because similar digests do not come from similar keys.
    """

    def __init__(
        self,
        header: str,
        known: Mapping[str, Mapping[str, object]],
        lookup: Callable[..., Any] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._header = header
        self._known = known
        self._lookup = lookup
        self._clock = clock

    @classmethod
    def of(cls, settings: ApiKeys) -> ApiKeyVerifier | None:
        """Return the verifier for the settings. Return None if the settings have neither a file nor a lookup function.

        Raises:
            PolicySetupError: The file or the function cannot be used.
        """
        if settings.file is None and settings.lookup is None:
            return None
        known = _read(settings.file) if settings.file is not None else {}
        lookup = load_function(settings.lookup, "authentication.api_keys.lookup") if settings.lookup else None
        return cls(settings.header, known, lookup)

    async def identity(self, headers: Mapping[str, str]) -> Identity | None:
        """Return the identity of the client that sent the request. Return None if the request has no API key.

        Raises:
            CredentialRefused: The key is not known or has expired.
        """
        key = headers.get(self._header)
        if key is None:
            return None
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        claims = self._known.get(digest)
        if claims is None and self._lookup is not None:
            claims = await call(self._lookup, digest)
        if claims is None:
            raise CredentialRefused("unknown key")
        expiry = claims.get("exp")
        if isinstance(expiry, int | float) and self._clock() >= expiry:
            raise CredentialRefused("expired")
        return Identity(claims, scopes_of(claims.get("scope")), "api_key")


def _read(file: Path) -> Mapping[str, Mapping[str, object]]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PolicySetupError(f"{FILE_KEY}: {file} is not a JSON file: {type(error).__name__}") from error
    if not isinstance(document, dict) or not all(isinstance(claims, dict) for claims in document.values()):
        raise PolicySetupError(f"{FILE_KEY}: {file} is not a JSON object of objects")
    if not all(_DIGEST.fullmatch(digest) for digest in document):
        raise PolicySetupError(f"{FILE_KEY}: {file} has a name that is not a SHA-256 digest in lower-case hexadecimal")
    return document
