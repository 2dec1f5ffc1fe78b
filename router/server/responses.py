"""What goes back to a client: bytes, media type, content coding and headers of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from router import json_codec
from router.request.outcome import Outcome
from router.request.record import merged
from router.server.compression import Compression
from router.server.media_types import MediaType
from router.server.statuses import Statuses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.request.messages import GraphQLResponse
    from router.server.log_line import Summary
    from router.server.refusals import Refusal
    from router.settings.model import RouterSettings
    from servicekit.asgi import Send

Headers = tuple[tuple[bytes, bytes], ...]

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
ALLOW: Headers = ((b"allow", ", ".join(METHODS).encode()),)
_ALLOW_POST: Headers = ((b"allow", b"POST"),)


class Exchange(NamedTuple):
    """Where one answer goes, what its log line will be made of, and what the client asked of its form."""

    send: Send
    summary: Summary
    cors: Headers
    accept_encoding: str | None


class Answers:
    """Writes answers as the configuration says."""

    def __init__(self, settings: RouterSettings) -> None:
        self._statuses = Statuses(settings.errors.status)
        self._compression = Compression(settings.compression)
        vary = b", ".join(name for name in (b"Accept", self._compression.vary) if name)
        # Answers depend on who asks, and on the clock of the bank; nobody between may keep one.
        self._always = ((b"cache-control", b"no-store"), (b"vary", vary), (b"x-content-type-options", b"nosniff"))

    async def graphql(self, exchange: Exchange, response: GraphQLResponse, media_type: MediaType) -> None:
        """One operation's response."""
        exchange.summary.report = response.report
        status = self._statuses.of(response, media_type)
        extra = _ALLOW_POST if response.outcome is Outcome.NOT_READ_ONLY else ()
        body = json_codec.encode(response.body)
        await self._send(exchange, status, media_type, body, (*extra, *_retry_after(response.report.retry_after)))

    async def batch(self, exchange: Exchange, responses: Sequence[GraphQLResponse]) -> None:
        """The responses of a batch: an array, which is JSON but no GraphQL response."""
        exchange.summary.report = report = merged([response.report for response in responses])
        exchange.summary.batch = len(responses)
        body = json_codec.encode([response.body for response in responses])
        await self._send(exchange, 200, MediaType.JSON, body, _retry_after(report.retry_after))

    async def refusal(self, exchange: Exchange, refusal: Refusal, media_type: MediaType) -> None:
        """The request is none that GraphQL knows."""
        exchange.summary.code = refusal.code
        await self._send(exchange, refusal.status, media_type, json_codec.encode(refusal.body), refusal.headers)

    async def options(self, exchange: Exchange) -> None:
        """What a client may do."""
        headers = (*ALLOW, *exchange.cors)
        exchange.summary.status = 204
        await exchange.send({"type": "http.response.start", "status": 204, "headers": headers})
        await exchange.send({"type": "http.response.body", "body": b""})

    async def _send(
        self, exchange: Exchange, status: int, media_type: MediaType, body: bytes, extra: Headers = ()
    ) -> None:
        sent, coding = await self._compression.apply(body, exchange.accept_encoding)
        headers = [
            (b"content-length", str(len(sent)).encode()),
            *coding,
            *extra,
            *exchange.cors,
            (b"content-type", media_type.header),
            *self._always,
        ]
        exchange.summary.status, exchange.summary.size = status, len(sent)
        await exchange.send({"type": "http.response.start", "status": status, "headers": headers})
        await exchange.send({"type": "http.response.body", "body": sent})


def _retry_after(seconds: int | None) -> Headers:
    return () if seconds is None else ((b"retry-after", str(seconds).encode()),)
