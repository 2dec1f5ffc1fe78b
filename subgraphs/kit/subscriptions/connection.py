"""Serves one WebSocket: the handshake of graphql-transport-ws, its subscriptions, and its end.

```
accepted ── connection_init with a valid token ──> acknowledged ── subscribe ──> next, next, ... complete | error
   └─ INIT_SECONDS ──> 4408                          ├─ the token is not valid any more ──> 4403
                                                     └─ the client reads too slowly ──> 1013
```

Each event is sent only if the access token is still valid: it has not expired, and its session has not ended. The
resolver checks that the caller may see the account. Each subscription waits until its last message is written, so the
events of a slow client wait in the queue of its follower (`live_feed`), which is bounded.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketDisconnect

from bank.bound_tokens import PROOF_KEY_HEADER
from bank.identity import bearer_token
from servicekit.dpop.proofs import SCHEME
from servicekit.errors import ServiceError, StoreFailure, Unauthenticated
from subgraphs.kit.graphql_errors import format_error
from subgraphs.kit.operation_checks import InvalidDocument
from subgraphs.kit.subscriptions.handshake_proofs import HEADER as PROOF_HEADER
from subgraphs.kit.subscriptions.live_feed import TooSlow
from subgraphs.kit.subscriptions.messages import ClientMessage, CloseCode, Closed, parse, to_text
from subgraphs.kit.subscriptions.operation import Subscription, read_subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from bank.identity import Caller, TokenVerifier
    from servicekit.dpop.proofs import Proof
    from subgraphs.kit.context import BaseContext
    from subgraphs.kit.request_limits import RequestLimits
    from subgraphs.kit.schema import SubgraphSchema
    from subgraphs.kit.subscriptions.handshake_proofs import HandshakeProofs

# How long a client may take to send `connection_init`.
INIT_SECONDS: Final = 10.0
# The pause between two pings. The token is checked again at each of them, so an idle connection ends about this much
# later than its token.
KEEP_ALIVE_SECONDS: Final = 12.0
# How many subscriptions a connection may have at a time.
MAX_SUBSCRIPTIONS: Final = 50

_log = structlog.stdlib.get_logger("subscriptions")


@dataclass(frozen=True, slots=True)
class Subgraph:
    """What a connection needs of its service.

    Attributes:
        context: returns a new context, with new loaders.
        proofs: checks the proofs of clients whose access token is bound to a key.
        is_signed: whether the router must have signed the handshake. Then it can say which key was proved.
    """

    schema: SubgraphSchema
    verifier: TokenVerifier
    context: Callable[[Caller], BaseContext]
    limits: RequestLimits
    proofs: HandshakeProofs
    is_signed: bool


class Connection:
    """One accepted WebSocket."""

    def __init__(self, websocket: WebSocket, subgraph: Subgraph, admit: Callable[[str], None]) -> None:
        """`admit` is called once with the id of the user. It raises Closed if the user has too many connections."""
        self._websocket = websocket
        self._subgraph = subgraph
        self._admit = admit
        self._token: str | None = None
        # The thumbprint of the key that the client has proved to have; None with a bearer token.
        self._proved_key: str | None = None
        self._caller: Caller | None = None
        self._subscriptions: dict[str, asyncio.Task[None]] = {}
        self._end: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        self._sending = asyncio.Lock()

    async def serve(self) -> CloseCode | None:
        """Serve the connection until it is closed. Return the code if this service closes it."""
        tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._keep_alive())]
        try:
            ends: set[asyncio.Future[Any]] = {*tasks, self._end}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not self._end.done():
                return None
            closed = self._end.result()
            with suppress(WebSocketDisconnect, RuntimeError):  # the client has closed the connection meanwhile
                await self._websocket.close(closed.code, closed.reason)
            return closed.code
        finally:
            await _cancelled(*tasks, *self._subscriptions.values())

    def _close(self, closed: Closed) -> None:
        if not self._end.done():
            self._end.set_result(closed)

    # Tasks of the connection. They end it by `_close`; `_receive` also ends it when the client is gone.

    async def _receive(self) -> None:
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while self._caller is None:
                    await self._handle(parse(await self._next_text()))
            while True:
                await self._handle(parse(await self._next_text()))
        except TimeoutError:
            self._close(Closed(CloseCode.INITIALISATION_TIMEOUT, "Connection initialisation timeout"))
        except Closed as closed:
            self._close(closed)
        except WebSocketDisconnect:
            return
        except Exception:  # noqa: BLE001 - the client must get a close code, whatever happens
            _log.exception("cannot serve a subscription connection")
            self._close(Closed(CloseCode.INTERNAL_ERROR, "internal error"))

    async def _next_text(self) -> str:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        if text is None:
            raise Closed(CloseCode.BAD_REQUEST, "messages are text")
        return text

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            if self._caller is not None:
                try:
                    await self._check_token()
                    await self._send("ping")
                except Closed as closed:
                    self._close(closed)
                except WebSocketDisconnect:
                    return

    async def _handle(self, message: ClientMessage) -> None:
        if message.type == "connection_init":
            await self._initialise(message)
        elif message.type == "ping":
            await self._send("pong")
        elif message.type == "subscribe":
            await self._begin(message)
        elif message.type == "complete" and (running := self._subscriptions.pop(message.id, None)) is not None:
            await _cancelled(running)

    async def _initialise(self, message: ClientMessage) -> None:
        if self._token is not None:
            raise Closed(CloseCode.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")
        authorization = self._credential(message, "authorization")
        scheme, _, token = authorization.partition(" ")
        is_bound = scheme.lower() == SCHEME
        try:
            self._token = bearer_token(f"Bearer {token}" if is_bound else authorization)
        except Unauthenticated:
            raise Closed(CloseCode.FORBIDDEN, "Forbidden") from None
        proof = self._prove(message, self._token) if is_bound else None
        caller = await self._check_token()
        if proof is not None:
            await self._subgraph.proofs.use(proof)
        self._admit(caller.user_id)
        self._caller = caller
        await self._send("connection_ack")

    def _prove(self, message: ClientMessage, token: str) -> Proof | None:
        """Set the proved key of a bound token. Return the proof, which must still be used.

        The result is None if the router says in its signed handshake which key it has seen a proof of.
        """
        if self._subgraph.is_signed and PROOF_KEY_HEADER in self._websocket.headers:
            self._proved_key = self._websocket.headers[PROOF_KEY_HEADER]
            return None
        proof = self._subgraph.proofs.read(self._credential(message, PROOF_HEADER), token)
        self._proved_key = proof.thumbprint
        return proof

    def _credential(self, message: ClientMessage, header: str) -> str:
        """Return a member of the payload, or the header of the handshake. Browsers cannot set the header."""
        for name, value in message.payload.items():
            if name.lower() == header and isinstance(value, str):
                return value
        return ", ".join(self._websocket.headers.getlist(header))

    async def _check_token(self) -> Caller:
        try:
            caller = await self._subgraph.verifier.holder(self._token or "")
            if caller.key_thumbprint != self._proved_key:
                raise Unauthenticated
            return caller
        except Unauthenticated:
            raise Closed(CloseCode.FORBIDDEN, "Forbidden") from None
        except ServiceError as error:
            reason = error.explanation if isinstance(error, StoreFailure) else str(error)
            _log.warning("cannot verify the token of a subscription", reason=reason)
            raise Closed(CloseCode.TRY_AGAIN_LATER, "access tokens cannot be verified right now") from None

    async def _send(self, type_: str, id_: str | None = None, payload: object = None) -> None:
        async with self._sending:
            try:
                await self._websocket.send_text(to_text(type_, id_, payload))
            except RuntimeError:  # raised by Starlette after the connection was closed
                raise WebSocketDisconnect from None

    async def _begin(self, message: ClientMessage) -> None:
        """Begin a subscription. Return when it is established, so that no later event is missed, or has ended."""
        if self._caller is None:
            raise Closed(CloseCode.NOT_INITIALISED, "Unauthorized")
        if message.id in self._subscriptions:
            raise Closed(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists")
        try:
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                raise _too_many()
            subscription = read_subscription(message, self._subgraph.schema, self._subgraph.limits)
        except InvalidDocument as refused:
            await self._send_errors(message.id, refused.errors)
        except GraphQLError as error:
            await self._send_errors(message.id, [error])
        else:
            context = self._subgraph.context(self._caller)
            work = self._run(message.id, subscription, context)
            task = self._subscriptions[message.id] = asyncio.create_task(work)
            task.add_done_callback(lambda _: context.established.set())
            await context.established.wait()

    async def _run(self, id_: str, subscription: Subscription, context: BaseContext) -> None:
        """Run a subscription to its end."""
        try:
            await self._send_results(id_, subscription, context)
            self._subscriptions.pop(id_, None)
            await self._send("complete", id_)
        except GraphQLError as error:
            self._subscriptions.pop(id_, None)
            await self._send_errors(id_, [error])
        except TooSlow:
            self._close(Closed(CloseCode.TRY_AGAIN_LATER, "the client reads too slowly"))
        except Closed as closed:
            self._close(closed)
        except WebSocketDisconnect:
            return
        except Exception:  # noqa: BLE001 - as in `_receive`
            _log.exception("a subscription failed")
            self._close(Closed(CloseCode.INTERNAL_ERROR, "internal error"))

    async def _send_results(self, id_: str, subscription: Subscription, context: BaseContext) -> None:
        """Send a result for each event, until the source of the events ends. Raises GraphQLError as `events` does."""
        async with aclosing(subscription.events(context)) as events:
            async for event in events:
                new = self._subgraph.context(await self._check_token())
                new.event = event
                await self._send("next", id_, await subscription.payload(new))

    async def _send_errors(self, id_: str, errors: list[GraphQLError]) -> None:
        await self._send("error", id_, [format_error(error, self._subgraph.limits) for error in errors])


def _too_many() -> GraphQLError:
    return GraphQLError(
        f"A connection may have at most {MAX_SUBSCRIPTIONS} subscriptions",
        extensions={"code": "TOO_MANY_SUBSCRIPTIONS", "limit": MAX_SUBSCRIPTIONS},
    )


async def _cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
