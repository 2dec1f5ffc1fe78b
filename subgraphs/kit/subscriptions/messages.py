"""The messages of graphql-transport-ws, and the codes with which a connection is closed. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBPROTOCOL: Final = "graphql-transport-ws"
# Ids are chosen by clients. They are normally short numbers or UUIDs.
_MAX_ID: Final = 100


class CloseCode(IntEnum):
    """Why the service closes a connection. The protocol defines the codes from 4400 on."""

    INTERNAL_ERROR = 1011
    TRY_AGAIN_LATER = 1013  # too many connections, or the client reads too slowly
    BAD_REQUEST = 4400
    NOT_INITIALISED = 4401  # a subscription before the connection is acknowledged
    FORBIDDEN = 4403  # there is no valid access token (any more)
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429


class Closed(Exception):
    """The connection must be closed with `code`. The message is the reason for the client, at most 123 bytes."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """A message of the client.

    Attributes:
        type: such as `subscribe`.
        id: the operation; empty for messages about the whole connection.
        payload: empty if the message has none.
    """

    type: str
    id: str
    payload: Mapping[str, Any]


_WITH_ID: Final = frozenset({"subscribe", "complete"})
_TYPES: Final = frozenset({"connection_init", "ping", "pong"}) | _WITH_ID


def parse(text: str) -> ClientMessage:
    """Return the message in `text`.

    Raises:
        Closed: the text is not a message of the protocol.
    """
    try:
        document = json.loads(text)
        # The escape for half a surrogate pair cannot be sent or stored.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Closed(CloseCode.BAD_REQUEST, "the message is not JSON") from None
    kind = document.get("type") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind not in _TYPES:
        raise Closed(CloseCode.BAD_REQUEST, "the message has no known `type`")
    id_, payload = document.get("id"), document.get("payload")
    if kind in _WITH_ID and not (isinstance(id_, str) and 0 < len(id_) <= _MAX_ID):
        raise Closed(CloseCode.BAD_REQUEST, f"`id` must be a string of 1 to {_MAX_ID} characters")
    if payload is not None and not isinstance(payload, dict):
        raise Closed(CloseCode.BAD_REQUEST, "`payload` must be an object")
    return ClientMessage(kind, id_ if kind in _WITH_ID else "", payload or {})


def to_text(type_: str, id_: str | None = None, payload: object = None) -> str:
    """Return a message of the service as text."""
    document: dict[str, object] = {"type": type_}
    if id_ is not None:
        document["id"] = id_
    if payload is not None:
        document["payload"] = payload
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
