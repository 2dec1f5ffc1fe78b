"""`PolicyServer`: a server such as Open Policy Agent (OPA) decides about policies, over HTTP.

    POST {"input": {"policies": ["a", "b"], "claims": {...}, "operation": "Orders"}}
    200  {"result": {"a": true, "b": false}}        or    {"result": ["a"]}

The server is asked once about all policies of a client's request. Decisions are cached for a short time, for each
client. If several requests need the same decision at the same time, the server is asked only once. Without a usable
response in time, no policy holds.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import TYPE_CHECKING, Any, Final

from router.policies.authorization.policy_decisions import holding, unavailable
from router.policies.load_operator_functions import PolicySetupError
from router.storage.lru import Lru
from servicekit.http1.connection import ExchangeFailed
from servicekit.http1.pool import Pool, PoolFull, PoolLimits, ServerOrigin
from servicekit.http_url import split_http_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.policies.authorization.policy_decisions import PolicyQuestion
    from router.settings.sections.authorization import PolicyServer as PolicyServerSettings

_OK: Final = 200
_MAX_CACHED_DECISIONS: Final = 10_000
_RESPONSE_BYTES: Final = 1_000_000

_Key = tuple[frozenset[str], str]


class PolicyUndecided(Exception):
    """The server sent no usable response. The message says why; only the log shows it."""


class PolicyServer:
    """Asks a server which policies hold.

    Raises:
        PolicySetupError: The certificate authority cannot be used.
    """

    def __init__(self, settings: PolicyServerSettings) -> None:
        url = split_http_url(settings.url)
        self._pool = Pool(
            ServerOrigin(url.host, url.port, _tls(settings) if url.is_tls else None),
            PoolLimits(max_response_bytes=_RESPONSE_BYTES),
        )
        secrets = {name: value.get_secret_value() for name, value in settings.headers.items()}
        own = {"host": url.authority, "content-type": "application/json", "accept": "application/json", **secrets}
        lines = (f"POST {url.target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in own.items()))
        self._head = "".join(lines)
        self._timeout = settings.timeout
        self._kept_for = settings.cache_time
        self._kept: Lru[_Key, tuple[float, frozenset[str]]] = Lru(
            max_entries=_MAX_CACHED_DECISIONS, max_weight=_MAX_CACHED_DECISIONS
        )
        self._running: dict[_Key, asyncio.Task[frozenset[str]]] = {}

    async def granted(self, question: PolicyQuestion) -> frozenset[str]:
        """See `PolicyDecider.granted`."""
        try:
            body = _body(question)
        except (TypeError, ValueError):
            unavailable(question.policies, "the claims are not JSON")
            return frozenset()
        key = (question.policies, body)
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(key)
        if kept is not None and now < kept[0]:
            return kept[1]
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.get_running_loop().create_task(self._decide(key))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)  # if this request is cancelled, other requests still wait for the task

    async def aclose(self) -> None:
        """Close the connections."""
        for task in self._running.values():
            task.cancel()
        self._pool.close()

    async def _decide(self, key: _Key) -> frozenset[str]:
        policies, body = key
        loop = asyncio.get_running_loop()
        try:
            granted = await self._ask(body, loop.time() + self._timeout) & policies
        except PolicyUndecided as failure:
            unavailable(policies, str(failure))
            return frozenset()
        if self._kept_for is not None:
            self._kept.put(key, (loop.time() + self._kept_for, granted), 1)
        return granted

    async def _ask(self, body: str, deadline: float) -> frozenset[str]:
        content = body.encode()
        request = f"{self._head}content-length: {len(content)}\r\n\r\n".encode("latin-1") + content
        try:
            response = await self._pool.exchange(lambda: request, repeatable=True, deadline=deadline)
        except TimeoutError:
            raise PolicyUndecided(f"no response within {self._timeout:g} s") from None
        except (ExchangeFailed, PoolFull, OSError) as error:
            raise PolicyUndecided(type(error).__name__) from error
        if response.status != _OK:
            raise PolicyUndecided(f"HTTP status {response.status}")
        try:
            document: Any = json.loads(response.body)
            return holding(document["result"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise PolicyUndecided("the response has no `result` with policies") from None


def _body(question: PolicyQuestion) -> str:
    asked: Mapping[str, object] = {
        "policies": sorted(question.policies),
        "claims": question.claims,
        "operation": question.operation_name,
    }
    return json.dumps({"input": asked}, allow_nan=False, separators=(",", ":"))


def _tls(settings: PolicyServerSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.certificate_authority)
    except OSError as error:
        key = "authorization.policies.server.certificate_authority"
        raise PolicySetupError(f"{key}: {settings.certificate_authority}: {error.strerror}") from error
