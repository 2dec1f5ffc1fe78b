"""On which pages of the authorization server passkeys work. Browsers bind passkeys to a domain (`RelyingParty`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from servicekit.http_url import is_loopback

if TYPE_CHECKING:
    from subgraphs.auth.second_factor.passkeys import RelyingParty


@dataclass(frozen=True, slots=True)
class PasskeyPages:
    """The pages of this server on which passkeys work.

    Attributes:
        origins: their origins. The script of a page compares them with its own, so no header of a request decides.
        elsewhere: the origin that has the same pages with passkeys, for people who have opened a page by an address of
            this machine, such as `http://127.0.0.1:3001`; None if there is no other.
    """

    origins: tuple[str, ...]
    elsewhere: str | None = None

    @classmethod
    def of(cls, party: RelyingParty | None, issuer: str) -> PasskeyPages | None:
        """Return the pages; None if the bank has no domain for passkeys."""
        if party is None:
            return None
        parts = urlsplit(issuer)
        local = f"http://{party.id}:{parts.port}"
        is_local = parts.scheme == "http" and parts.hostname != "localhost" and is_loopback(parts.hostname or "")
        return cls(party.origins, local if is_local and local in party.origins else None)
