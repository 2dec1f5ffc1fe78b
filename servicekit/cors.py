"""Cross-origin resource sharing (CORS): which pages of other origins may send requests and read responses.

See https://fetch.spec.whatwg.org/#http-cors-protocol. `Vary: Origin` is sent whenever responses can differ by origin.
The response to an origin that is not allowed also has this header. Otherwise a cache could send that response to an
allowed origin.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from servicekit.asgi import header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from servicekit.asgi import ASGIApp, Message, Receive, Scope, Send

Headers = tuple[tuple[bytes, bytes], ...]

ANY: Final = "*"
_ANY_SITE: Final = "https://any-site.invalid"
_SUBDOMAINS: Final = "*."
_LOOPBACK: Final = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?")
_PRIVATE_NETWORK: Final[Headers] = ((b"access-control-allow-private-network", b"true"),)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# A log line contains at most this many characters of a text that a client chose.
_LOGGED_CHARACTERS: Final = 200

_log = structlog.stdlib.get_logger("cors")


def check_origin(value: str) -> str:
    """Return `value` if it can match an origin that a browser sends.

    `value` is `*`, `scheme://host[:port]`, or `scheme://*.host[:port]` for all subdomains of a host.

    Raises:
        ValueError: the value cannot match any origin. The message describes the origins that browsers send.
    """
    if value == ANY:
        return value
    plain = value.replace(f"://{_SUBDOMAINS}", "://", 1)
    if "*" in plain:
        raise ValueError("a wildcard is `*` alone, or stands for all subdomains: https://*.example.com")
    try:
        url = urlsplit(plain)
        port = url.port
    except ValueError:
        raise ValueError("an origin is scheme://host[:port]") from None
    if not url.scheme or not url.hostname or plain != f"{url.scheme}://{url.netloc}" or "@" in url.netloc:
        raise ValueError("an origin is scheme://host[:port] without a path, or *")
    if port == _DEFAULT_PORTS.get(url.scheme):
        raise ValueError(f"browsers leave out port {port} in the origin of a page; leave it out here too")
    if not plain.isascii() or plain != plain.lower():
        raise ValueError("browsers send the origin of a page in lower case, and encode other letters as xn--...")
    return value


def matches_every_origin(patterns: Iterable[str]) -> bool:
    """Return whether one of these regular expressions is so general that it also matches an arbitrary origin."""
    return any(re.fullmatch(pattern, _ANY_SITE) for pattern in patterns)


class CorsRules(msgspec.Struct, frozen=True, kw_only=True):
    """Which web pages may send requests from another origin, and which requests they may send.

    Attributes:
        origins: see `check_origin`.
        methods: the methods that a page may use.
        allow_headers: the request headers that a page may set; None allows the headers that the browser asks for.
        expose_headers: the response headers that a page may read.
        allow_credentials: whether the browser may send cookies.
        max_age: how many seconds a browser may cache the response to a preflight request.
        loopback: whether pages from this machine (`localhost`, with any port) are allowed in addition to `origins`.
        origin_patterns: regular expressions; an origin is allowed if one of them matches all of it.
        allow_private_network: whether pages of a public network may send requests to this server on a private network.
    """

    origins: Sequence[str]
    methods: Sequence[str]
    allow_headers: Sequence[str] | None
    expose_headers: Sequence[str]
    allow_credentials: bool
    max_age: float
    loopback: bool = False
    origin_patterns: Sequence[str] = ()
    allow_private_network: bool = False


class Preflight(msgspec.Struct, frozen=True):
    """A preflight request: the page's origin, and the method and headers of the request that the page wants to send.

    `private_network` says whether the page is on a public network, and the request goes to a private one
    (https://wicg.github.io/private-network-access/).
    """

    origin: str
    method: str
    headers: str
    private_network: bool = False

    @classmethod
    def of(cls, http_method: str, get: Callable[[str], str | None]) -> Preflight | None:
        """Return the preflight request; None if the request is not a preflight request.

        `get` returns a header by its lower-case name.
        """
        if http_method != "OPTIONS":
            return None
        origin, method = get("origin"), get("access-control-request-method")
        if origin is None or method is None:
            return None
        private_network = get("access-control-request-private-network") == "true"
        return cls(origin, method, get("access-control-request-headers") or "", private_network)

    @property
    def header_names(self) -> list[str]:
        return [name for part in self.headers.split(",") if (name := part.strip().lower())]


class CorsPolicy:
    """Makes the CORS headers of responses. Without rules, there are no CORS headers."""

    def __init__(self, rules: CorsRules | None) -> None:
        self._rules = rules
        origins = rules.origins if rules is not None else ()
        self._any = ANY in origins
        self._origins = frozenset(origin for origin in origins if "*" not in origin)
        subdomains = tuple(_subdomain_pattern(origin) for origin in origins if _SUBDOMAINS in origin)
        own = tuple(re.compile(pattern) for pattern in rules.origin_patterns) if rules is not None else ()
        loopback = (_LOOPBACK,) if rules is not None and rules.loopback else ()
        self._patterns = (*subdomains, *own, *loopback)
        self._vary: Headers = () if rules is None or self._any else ((b"vary", b"Origin"),)
        self._simple = _simple_headers(rules) if rules is not None else ()

    def response_headers(self, origin: str | None) -> Headers:
        """Return the headers to add to a response. `origin` is the value of the request's `Origin` header."""
        if self._rules is None or origin is None or not self._allows(origin):
            return self._vary
        return (*self._allow_origin(origin), *self._simple, *self._vary)

    def preflight_headers(self, preflight: Preflight) -> Headers:
        """Return the headers of the response to a preflight request. If the request is refused, log the reason."""
        rules = self._rules
        if rules is None:
            _log_refusal(preflight, "CORS is off")
            return ()
        if not self._allows(preflight.origin):
            _log_refusal(preflight, "the origin is not allowed")
            return self._vary
        names = [name for name in preflight.header_names if _NAME.fullmatch(name)]
        allowed = rules.allow_headers if rules.allow_headers is not None else names
        if preflight.method not in rules.methods:
            _log_refusal(preflight, f"the method is not one of {', '.join(rules.methods)}")
        elif refused := sorted(set(preflight.header_names) - set(allowed)):
            _log_refusal(preflight, f"the headers {', '.join(refused)} are not allowed")
        elif preflight.private_network and not rules.allow_private_network:
            _log_refusal(preflight, "requests to a private network are not allowed")
        return (
            *self._allow_origin(preflight.origin),
            *(((b"access-control-allow-credentials", b"true"),) if rules.allow_credentials else ()),
            (b"access-control-allow-methods", ", ".join(rules.methods).encode()),
            *(((b"access-control-allow-headers", ", ".join(allowed).encode()),) if allowed else ()),
            (b"access-control-max-age", str(int(rules.max_age)).encode()),
            *(_PRIVATE_NETWORK if preflight.private_network and rules.allow_private_network else ()),
            *self._vary,
            *(((b"vary", b"Access-Control-Request-Headers"),) if rules.allow_headers is None else ()),
        )

    def _allows(self, origin: str) -> bool:
        return self._any or origin in self._origins or any(pattern.fullmatch(origin) for pattern in self._patterns)

    def _allow_origin(self, origin: str) -> Headers:
        return ((b"access-control-allow-origin", b"*" if self._any else origin.encode("latin-1")),)


class CorsByPath:
    """The CORS policies of a server: one for all paths, and others for some paths and the paths below them.

    If a request is below several of these paths, the policy of the longest path applies.
    """

    def __init__(self, rules: CorsRules | None, of_paths: Mapping[str, CorsRules] | None = None) -> None:
        self._other = CorsPolicy(rules)
        longest_first = sorted((of_paths or {}).items(), key=lambda item: len(item[0]), reverse=True)
        self._of_paths = tuple((path.rstrip("/"), CorsPolicy(each)) for path, each in longest_first)

    def of(self, path: str) -> CorsPolicy:
        """Return the policy for requests to `path`."""
        for above, policy in self._of_paths:
            if path == above or path.startswith(f"{above}/"):
                return policy
        return self._other


def _simple_headers(rules: CorsRules) -> Headers:
    return (
        *(((b"access-control-allow-credentials", b"true"),) if rules.allow_credentials else ()),
        *(
            ((b"access-control-expose-headers", ", ".join(rules.expose_headers).encode()),)
            if rules.expose_headers
            else ()
        ),
    )


def _subdomain_pattern(origin: str) -> re.Pattern[str]:
    scheme, _, host = origin.partition(f"://{_SUBDOMAINS}")
    return re.compile(rf"{re.escape(scheme)}://([a-z0-9_-]+\.)+{re.escape(host)}")


def _log_refusal(preflight: Preflight, reason: str) -> None:
    _log.warning("preflight refused", origin=preflight.origin[:_LOGGED_CHARACTERS], reason=reason[:_LOGGED_CHARACTERS])


class CorsMiddleware:
    """An ASGI middleware that answers preflight requests, and adds the CORS headers to all other responses."""

    def __init__(self, app: ASGIApp, policies: CorsByPath) -> None:
        self._app = app
        self._policies = policies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = self._policies.of(scope["path"])
        preflight = Preflight.of(scope["method"], lambda name: header(scope, name.encode()))
        if preflight is not None:
            headers = policy.preflight_headers(preflight)
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        added = policy.response_headers(header(scope, b"origin"))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)
