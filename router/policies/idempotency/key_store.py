"""`KeyStore`: remembers the mutations that were run under a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from router import json_codec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Entry(msgspec.Struct, frozen=True):
    """What a store knows about the mutation that ran under a key.

    Attributes:
        fingerprint: A digest of the operation and its variables.
        started: The time at which the mutation began, in seconds since the epoch.
        response: The JSON of the response; None while the mutation runs, or if it ended without a response.
        ended: Whether the mutation has ended.
    """

    fingerprint: str
    started: float
    response: str | None = None
    ended: bool = False

    def to_text(self) -> str:
        """Return the entry as a text for a store."""
        members = {
            "fingerprint": self.fingerprint,
            "started": self.started,
            "response": self.response,
            "ended": self.ended,
        }
        return json_codec.encode(members).decode()

    @classmethod
    def of_text(cls, text: str) -> Entry:
        """Return the entry that `to_text` has written.

        Raises:
            KeyStoreUnavailable: The text was not written by `to_text`.
        """
        try:
            members = json_codec.decode(text.encode())
            assert isinstance(members, dict)  # noqa: S101 - as the errors below
            return cls(
                str(members["fingerprint"]), float(members["started"]), members["response"], bool(members["ended"])
            )
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise KeyStoreUnavailable("an entry is not valid") from error


class KeyStoreUnavailable(Exception):
    """The store cannot be used now. The message says why; only the log shows it."""


class KeyStore(Protocol):
    """Stores entries by key for a limited time. Many tasks and processes can use one store at the same time."""

    async def begin(self, key: str, entry: Entry) -> Entry | None:
        """Store `entry` if the key is new, and return None. Otherwise return the entry of the key.

        Raises:
            KeyStoreUnavailable: The store does not respond.
        """
        ...

    async def finish(self, key: str, entry: Entry) -> None:
        """Replace the entry of the key.

        Raises:
            KeyStoreUnavailable: The store does not respond.
        """
        ...

    async def forget(self, key: str) -> None:
        """Remove the entry of the key, because the mutation was not run.

        Raises:
            KeyStoreUnavailable: The store does not respond.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


def response_of(text: str) -> Mapping[str, object]:
    """Return the body of a stored response."""
    body = json_codec.decode(text.encode())
    assert isinstance(body, dict)  # noqa: S101 - the stage has written it
    return body
