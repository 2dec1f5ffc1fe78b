"""The types of values in a configuration: numbers, durations, URLs, header names, regular expressions, paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, WithJsonSchema

from servicekit.client_address import TrustedProxies
from servicekit.cors import check_origin
from servicekit.http_url import split_http_url, split_unix_url

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}
# The name of a header is a token (RFC 9110 §5.6.2).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CALLABLE = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
# Header rules cannot set these headers. The transport sets them, or they describe one connection (RFC 9110 §7.6.1).
PROTOCOL_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-digest",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "signature",
        "signature-input",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-request-timeout-ms",
    }
)


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("Input should be a number, not true or false")  # noqa: TRY004  (pydantic collects only ValueError)
    return value


def _seconds(value: object) -> object:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, str):
        if match is None:
            raise ValueError("a duration is a number with ms, s or m, such as 30s")
        return float(match[1]) * _SECONDS[match[2]]
    return value


def _header_name(value: str) -> str:
    if _TOKEN.fullmatch(value) is None:
        raise ValueError("not a header name")
    return value.lower()


def _settable_header(value: str) -> str:
    name = _header_name(value)
    if name in PROTOCOL_HEADERS:
        raise ValueError("this header belongs to the connection; no rule may set it")
    return name


def check_header_value(value: str) -> str:
    """Check the value of a header (RFC 9110 §5.5), and return it.

    Raises:
        ValueError: the value has a character that is not allowed. The message does not contain the value.
    """
    if any(character < " " and character != "\t" for character in value) or not value.isascii():
        raise ValueError("a header's value is visible ASCII text without line breaks")
    return value


def http_url(value: str) -> str:
    """Check a URL that the router connects to, and return it.

    Raises:
        ValueError: the URL is relative, has credentials or has an invalid port. The message does not contain the URL.
    """
    split_http_url(value)
    return value


def _none_without_url(value: object) -> object:
    return None if isinstance(value, Mapping) and value.get("url", "") is None else value


def _redis_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("a URL of a Redis begins with redis://, rediss:// or unix://")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error.msg}") from error
    return value


def _beside_the_configuration(value: Path, info: ValidationInfo) -> Path:
    if not isinstance(info.context, Path):
        return value
    path = info.context / value
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    return path


def _created_beside_the_configuration(value: Path, info: ValidationInfo) -> Path:
    return info.context / value if isinstance(info.context, Path) else value


def _shared_queries(value: object) -> object:
    if value is True or value == "true":
        raise ValueError(
            "choose `verified`, `anonymous` or `all`; `all` also shares queries whose credential is not verified"
        )
    return False if value == "false" else value


def _networks(value: str) -> str:
    TrustedProxies.parse(value)
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or value.startswith("/health/") or set(value) & set("?# "):
        raise ValueError("a path begins with / and is not one of /health/")
    return value


def _subgraph_urls(value: object) -> object:
    """Check one URL, or a list of several URLs."""
    urls = value if isinstance(value, list | tuple) else [value]
    for url in urls:
        if not isinstance(url, str):
            raise ValueError("a URL is expected, or a list of URLs")  # noqa: TRY004  (pydantic collects only ValueError)
        if split_unix_url(url) is None:
            split_http_url(url)
    if not urls or len(set(urls)) < len(urls):
        raise ValueError("the URLs of a subgraph must be different, and at least one")
    return tuple(urls) if isinstance(value, list) else value


IsNumber = BeforeValidator(_no_boolean)
"""Refuses `true` and `false`, which pydantic accepts as numbers: `workers: true` would mean one worker."""

Count = Annotated[int, Field(gt=0), IsNumber]
Port = Annotated[int, Field(ge=0, le=65535), IsNumber]
"""A port to listen on; 0 stands for any free port."""
Percentage = Annotated[float, Field(ge=0, le=100), IsNumber]

_DURATION_SCHEMA = {
    "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": f"^{_DURATION.pattern}$"}]
}

Duration = Annotated[
    float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False), IsNumber, WithJsonSchema(_DURATION_SCHEMA)
]
"""A duration in seconds. In the file, it is written as `30s`, `500ms` or `1m`, or as a number of seconds."""

HeaderName = Annotated[str, AfterValidator(_header_name)]
"""The name of a header. Validation converts the name to lower case."""

SettableHeader = Annotated[str, AfterValidator(_settable_header)]
"""The name of a header that a rule may set."""

ContentCoding = Literal["zstd", "br", "gzip"]
"""The registered name of a content coding (RFC 9110 §8.4.1)."""

SharedQueries = Annotated[Literal[False, "anonymous", "verified", "all"], BeforeValidator(_shared_queries)]
"""Which identical queries are sent only once if they run at the same time (see `traffic.all.share_queries`)."""

HeaderValue = Annotated[str, AfterValidator(check_header_value)]
HttpUrl = Annotated[str, AfterValidator(http_url)]
# The URL can contain a password, so it is never printed.
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
NoneWithoutUrl = BeforeValidator(_none_without_url)
"""For an optional section with a `url`: `{url: null}` means the same as null.

So a server can be optional in a configuration file that takes its URL from a variable.
"""
SubgraphUrls = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_subgraph_urls),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
"""The address of a subgraph (an `http(s)` URL or a Unix socket), or the list of the addresses of its servers."""
Pattern = Annotated[str, AfterValidator(_pattern)]
FilePath = Annotated[Path, AfterValidator(_beside_the_configuration)]
"""A file or folder that exists. A relative path is relative to the folder of the configuration file."""

NewFilePath = Annotated[Path, AfterValidator(_created_beside_the_configuration)]
"""A file that the router creates. A relative path is relative to the folder of the configuration file."""

ServerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]
"""A host name in a certificate."""

Identity = Annotated[str, Field(pattern=r"^spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)*$")]
"""The identity of a process, as a URI (SPIFFE ID)."""

CallablePath = Annotated[str, Field(pattern=_CALLABLE)]
"""The module and the name of a Python function, such as `package.module:function`."""

Networks = Annotated[str, AfterValidator(_networks)]
"""Networks of proxies in CIDR notation, separated by commas."""

UrlPath = Annotated[str, AfterValidator(_path)]
Origin = Annotated[str, AfterValidator(check_origin)]
