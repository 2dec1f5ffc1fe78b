"""`Idempotency`: the stage that runs a mutation once for each key of a client."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from router import json_codec
from router.errors import Refused
from router.pipeline.stage import Stage
from router.policies.idempotency.key_store import Entry, KeyStoreUnavailable, response_of
from router.policies.idempotency.memory_key_store import MemoryKeys
from router.policies.idempotency.subgraph_keys import fill_keys
from router.request.request_and_response import GraphQLResponse, Outcome
from router.request.security_events import SecurityEvent, report
from router.transport.interface import IDEMPOTENCY_KEY

if TYPE_CHECKING:
    from router.pipeline.request_context import RequestContext
    from router.pipeline.stage import RunOn
    from router.plan import QueryPlan
    from router.policies.idempotency.key_store import KeyStore
    from router.policies.policy_setup import PolicySetup
    from router.preparation.operation_seen_by_stages import Operation
    from router.request.request_and_response import Response
    from router.settings.sections.idempotency import Idempotency as IdempotencySettings

INVALID_KEY: Final = "IDEMPOTENCY_KEY_INVALID"
REPLAYED: Final = ("idempotent-replayed", "true")
_KEY: Final = re.compile(r"[!-~]{1,255}")
_CREDENTIALS: Final = ("authorization", "cookie")


class Idempotency(Stage):
    """Runs a mutation with an idempotency key only once, and stores the response."""

    def __init__(self, settings: IdempotencySettings, keys: KeyStore, max_execution_seconds: float) -> None:
        self._settings = settings
        self._keys = keys
        self._max_execution_seconds = max_execution_seconds

    @classmethod
    def configured(cls, inputs: PolicySetup) -> Idempotency | None:
        """Return the stage, or None if `idempotency.enabled` is false and no subgraph has its own keys."""
        settings = inputs.settings.idempotency
        if not settings.enabled and settings.argument is None:
            return None
        return cls(settings, _store(settings), inputs.settings.traffic.request_timeout)

    def inherit(self, previous: Stage) -> None:
        """Take over the keys in memory of the stage that this stage replaces."""
        if not isinstance(previous, Idempotency):
            return
        keys = previous._keys  # noqa: SLF001  (same class)
        if isinstance(self._keys, MemoryKeys) and isinstance(keys, MemoryKeys):
            self._keys = keys

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        await self._keys.aclose()

    async def on_operation(self, context: RequestContext, operation: Operation) -> None:
        """Write the client's key into the variables, at the places where the mutations of subgraphs take a key.

        The variables are coerced later.

        Raises:
            Refused: The key is not valid (400).
        """
        given = context.received.headers.get(self._settings.header)
        if given is None or operation.kind != "mutation" or self._settings.argument is None:
            return
        _check(given)
        filled = fill_keys(operation.client, context.variables, self._settings.argument, given)
        context.variables = filled.variables
        context.state[self] = filled.is_complete

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Send the key as a header, too, if the subgraphs recognise repetitions. Retries look at this header."""
        if context.state.get(self) is not True:
            return
        key, given = context.received.headers[self._settings.header], context.fetch_headers
        subgraphs = {fetch.service_name for fetch in plan.fetches() if fetch.operation_kind == "mutation"}
        added = {name: {**given.get(name, {}), IDEMPOTENCY_KEY: key} for name in subgraphs}
        context.fetch_headers = {**given, **added}

    async def on_execution(self, context: RequestContext, run_on: RunOn) -> Response:
        """Run a mutation with a new key. For a known key, return the stored response.

        Queries, and mutations without a key, run as usual. So does a mutation if each of its root fields has a key of
        its subgraph: the subgraphs then recognise a repetition.

        Raises:
            Refused: The key is not valid (400), or was used for another mutation (422). The first mutation with the key
                is still running, or ended without a response (409). The store cannot be used (503).
        """
        given = context.received.headers.get(self._settings.header)
        operation = context.operation
        is_mutation = operation is not None and operation.kind == "mutation"
        if given is None or not is_mutation or not self._settings.enabled or context.state.get(self) is True:
            return await run_on()
        _check(given)
        key, entry = _scoped(context, given), Entry(_fingerprint(context), time.time())
        try:
            known = await self._keys.begin(key, entry)
        except KeyStoreUnavailable as error:
            report(SecurityEvent.IDEMPOTENCY_UNAVAILABLE, reason=str(error))
            raise _unavailable() from error
        if known is not None:
            return self._replayed(context, known, entry)
        return await self._run(context, key, entry, run_on)

    async def _run(self, context: RequestContext, key: str, entry: Entry, run_on: RunOn) -> Response:
        """Run the mutation and store its response. If no subgraph can have received a fetch, forget the key."""
        response: Response | None = None
        try:
            response = await run_on()
        finally:
            try:
                if not context.record.sent:
                    await self._keys.forget(key)
                else:
                    await self._keys.finish(key, replace(entry, response=_text(response), ended=True))
            except KeyStoreUnavailable as error:  # the store keeps the entry, so the mutation does not run again
                report(SecurityEvent.IDEMPOTENCY_UNAVAILABLE, reason=str(error))
        return response

    def _replayed(self, context: RequestContext, known: Entry, entry: Entry) -> GraphQLResponse:
        if known.fingerprint != entry.fingerprint:
            raise Refused(
                "The idempotency key was used for another mutation.", code="IDEMPOTENCY_KEY_REUSED", status=422
            )
        if known.response is not None:
            return GraphQLResponse(
                body=response_of(known.response), outcome=Outcome.EXECUTED, record=context.record, headers=(REPLAYED,)
            )
        if not known.ended and entry.started - known.started < self._max_execution_seconds:
            raise Refused(
                "The first mutation with this idempotency key is still running.",
                code="IDEMPOTENCY_KEY_IN_USE",
                status=409,
                headers=(("retry-after", "1"),),
            )
        raise Refused(
            "The first mutation with this idempotency key ended without a response; its effect is unknown.",
            code="IDEMPOTENCY_RESULT_UNKNOWN",
            status=409,
        )


def _check(key: str) -> None:
    if _KEY.fullmatch(key) is None:
        raise Refused("An idempotency key has 1 to 255 visible ASCII characters.", code=INVALID_KEY, status=400)


def _unavailable() -> Refused:
    return Refused(
        "Idempotency keys cannot be checked right now; the mutation was not run.",
        code="IDEMPOTENCY_UNAVAILABLE",
        status=503,
        headers=(("retry-after", "1"),),
    )


def _scoped(context: RequestContext, key: str) -> str:
    """Return a digest of the key and the caller, so that two callers can use the same key.

    The caller is the issuer and the subject of the token. Without a subject, it is the credential in the headers.
    """
    identity, headers = context.identity, context.received.headers
    caller: object = (
        [identity.claims.get("iss"), identity.claims.get("sub")]
        if identity is not None and identity.claims.get("sub") is not None
        else [headers.get(name) for name in _CREDENTIALS]
    )
    return hashlib.sha256(json_codec.canonical([caller, key])).hexdigest()


def _fingerprint(context: RequestContext) -> str:
    operation = context.operation
    assert operation is not None  # noqa: S101 - the operation is chosen before it is executed
    # The values of lifted literals are left out, because they are in the document.
    lifted = operation.lifted.values if operation.lifted is not None else {}
    variables = {name: value for name, value in context.variables.items() if name not in lifted}
    parts = [operation.document, operation.name, variables]
    return hashlib.sha256(json_codec.canonical(parts)).hexdigest()


def _text(response: Response | None) -> str | None:
    return json_codec.encode(response.body).decode() if isinstance(response, GraphQLResponse) else None


def _store(settings: IdempotencySettings) -> KeyStore:
    if settings.redis is None:
        return MemoryKeys(entries=settings.entries, memory_bytes=settings.memory_bytes, ttl=settings.ttl)
    from router.policies.idempotency.redis_key_store import RedisKeys  # noqa: PLC0415  (the Redis client takes long to import, and few routers use Redis)

    return RedisKeys(settings.redis, settings.ttl)
