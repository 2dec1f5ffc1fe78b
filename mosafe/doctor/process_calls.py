"""Calls a process of the platform, with the certificate of the operator where mutual TLS is on."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

from mosafe.doctor.tls_check import contexts_for
from mosafe.processes import reachable_host
from servicekit.tls.failures import tls_failure
from servicekit.tls.files import Validity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mosafe.doctor.findings import Context

SECONDS: Final = 3.0
_FORBIDDEN: Final = 403
_CERTIFICATES: Final = "mosafe certs list; the files of the operator are in certs/operator"


class CallFailed(Exception):
    """The process did not respond, or refused the caller.

    Attributes:
        reason: in a few words.
        fix: what mends it, if that is known.
    """

    def __init__(self, base: str, reason: str, fix: str | None = None) -> None:
        super().__init__(f"{base}: {reason}" if fix else f"another program, or one that hangs, listens on {base}")
        self.reason = reason
        self.fix = fix


class Call(NamedTuple):
    """A request: GET, or with `content` POST."""

    path: str
    content: bytes | None = None
    headers: Mapping[str, str] | None = None


async def call(context: Context, process: str, port: int, request: Call) -> httpx.Response:
    """Send the request to a process of this machine, and return the response with any status.

    Raises:
        CallFailed: the process does not respond, refuses the caller, or is another process.
        ConfigurationError: the files of mutual TLS cannot be used.
    """
    failure = CallFailed("", "does not respond")
    for scheme, verify in contexts_for(context, process):
        base = f"{scheme}://{reachable_host(context.environ)}:{port}"
        try:
            async with httpx.AsyncClient(timeout=SECONDS, verify=verify) as client:
                method, url = "GET" if request.content is None else "POST", f"{base}{request.path}"
                response = await client.request(method, url, headers=request.headers, content=request.content)
        except (httpx.HTTPError, ssl.SSLError) as error:
            failure = _explained(base, error)
            continue
        if scheme == "https" and response.status_code == _FORBIDDEN:
            raise CallFailed(base, "the process may not be called with this certificate", _CERTIFICATES)
        return response
    raise failure


def validity_of_server(response: httpx.Response) -> Validity | None:
    """Return the times of the server's certificate; None without TLS."""
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("ssl_object") if stream is not None else None
    found = connection.getpeercert() if connection is not None else None
    if not found:
        return None
    times = (ssl.cert_time_to_seconds(found[name]) for name in ("notBefore", "notAfter"))
    return Validity(*(datetime.fromtimestamp(seconds, UTC) for seconds in times))


def _explained(base: str, error: BaseException) -> CallFailed:
    """Return the failure, with the reason of the TLS library if it is one."""
    cause: BaseException | None = error
    while cause is not None:
        if (failure := tls_failure(cause)) is not None:
            return CallFailed(base, str(failure), _CERTIFICATES)
        cause = cause.__cause__ or cause.__context__
    return CallFailed(base, "does not respond")
