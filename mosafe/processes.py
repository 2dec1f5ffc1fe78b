"""The five processes of the platform: their commands, their addresses, and how they find each other."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank.platform_files import ROUTER_CONFIG, SUPERGRAPH, platform_file
from bank.topology import load_topology
from servicekit.errors import ConfigurationError, StartupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the platform.

    Attributes:
        name: the name in the prefix of its log lines.
        arguments: the arguments after `python -m`. In them, `{supergraph}` and `{router_config}` stand for two files of
            the platform.
        port_variable: the variable that changes the port.
        default_port: the port if `port_variable` is unset.
        entry_path: the path that a user opens first, such as `/graphql`.
        found_by: pairs of a variable and a path. Other processes read the URL of this process from the variable. If the
            user has not set the variable, its value is `http://host:port<path>`, or `https` with mutual TLS.
        is_outside: whether it stands for a server outside the platform, which has no part in mutual TLS.
    """

    name: str
    arguments: tuple[str, ...]
    port_variable: str
    default_port: int
    entry_path: str
    found_by: tuple[tuple[str, str], ...]
    is_outside: bool = False


def _port_of(name: str) -> tuple[str, int]:
    """Return the variable with the port of a process, and the default port (`bank/topology.yaml`)."""
    place = load_topology().process(name)
    if place.port is None or place.port_variable is None:
        raise StartupError(f"the topology has no port of {name}")
    return place.port_variable, place.port


PROCESSES: Final = (
    Process(
        "auth",
        ("mosafe", "auth"),
        *_port_of("auth"),
        "/graphql",
        (
            ("AUTH_URL", "/graphql"),
            ("AUTH_ISSUER", ""),
            ("AUTH_JWKS_URL", "/.well-known/jwks.json"),
            ("AUTH_API_KEYS_URL", "/api-keys/token"),
        ),
    ),
    Process(
        "account",
        ("mosafe", "account"),
        *_port_of("account"),
        "/graphql",
        (("ACCOUNT_URL", "/graphql"), ("ACCOUNT_INTERNAL_URL", "")),
    ),
    Process(
        "transaction",
        ("mosafe", "transaction"),
        *_port_of("transaction"),
        "/graphql",
        (("TRANSACTION_URL", "/graphql"),),
    ),
    Process(
        "router",
        ("router", "serve", "--supergraph", "{supergraph}", "--config", "{router_config}"),
        *_port_of("router"),
        "/graphql",
        (("ROUTER_URL", "/graphql"), ("ROUTER_PUBLIC_URL", "/graphql")),
    ),
    Process("rest", ("mosafe", "rest"), *_port_of("rest"), "/openapi.json", (("REST_PUBLIC_URL", ""),)),
)


# A process that `mosafe up --sandbox-provider` starts first, because the transaction service calls it.
SANDBOX_PROVIDER: Final = Process(
    "sandbox-provider",
    ("mosafe", "sandbox-provider"),
    "SANDBOX_PROVIDER_PORT",
    3100,
    "/v1/statement",
    (("PAYMENT_PROVIDER_URL", ""),),
    is_outside=True,
)


def port_of(process: Process, environ: Mapping[str, str]) -> int:
    """Return the port on which `process` listens.

    Raises:
        ConfigurationError: the variable is not a port number.
    """
    text = environ.get(process.port_variable) or str(process.default_port)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 65535:  # noqa: PLR2004 - the last TCP port
        raise ConfigurationError(process.port_variable, "not a port number between 1 and 65535")
    return int(text)


def reachable_host(environ: Mapping[str, str]) -> str:
    """Return the host in the URLs with which the processes on this machine call each other.

    A server that listens on a wildcard address (`0.0.0.0`) is called at the loopback address (`127.0.0.1`).
    """
    host = environ.get("MOSAFE_HOST") or "127.0.0.1"
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def base_url(process: Process, environ: Mapping[str, str], *, tls: bool = False) -> str:
    scheme = "https" if tls and not process.is_outside else "http"
    return f"{scheme}://{reachable_host(environ)}:{port_of(process, environ)}"


def addresses(
    environ: Mapping[str, str], processes: Iterable[Process] = PROCESSES, *, tls: bool = False
) -> dict[str, str]:
    """Return the variables with the URLs of the processes, except the variables that the user has set.

    The issuer of access tokens is the public address of the auth service. The processes fetch its keys at its local
    address.
    """
    found = {
        variable: base_url(process, environ, tls=tls) + path
        for process in processes
        for variable, path in process.found_by
        if not environ.get(variable)
    }
    if "AUTH_ISSUER" in found and (public_url := environ.get("AUTH_PUBLIC_URL")):
        found["AUTH_ISSUER"] = public_url.rstrip("/")
    if _is_local(environ):
        found["AUTH_WEBAUTHN_ORIGINS"] = ",".join(_local_pages(environ, tls=tls))
    return found


def _is_local(environ: Mapping[str, str]) -> bool:
    """Whether people reach the platform at this machine only, and have not said on which pages passkeys work."""
    is_set = any(environ.get(name) for name in ("AUTH_ISSUER", "AUTH_PUBLIC_URL", "AUTH_WEBAUTHN_ORIGINS"))
    return not is_set and reachable_host(environ) in {"127.0.0.1", "[::1]", "localhost"}


def _local_pages(environ: Mapping[str, str], *, tls: bool) -> list[str]:
    """Return the origins of the pages of this machine. Browsers have passkeys for `localhost`, but for no address."""
    pages = (process for process in PROCESSES if process.name in {"auth", "router", "rest"})
    return [f"http{'s' if tls else ''}://localhost:{port_of(process, environ)}" for process in pages]


def command_line(process: Process, router_config: Path | None = None) -> list[str]:
    """Return the command line that starts `process` with this Python interpreter.

    `router_config` is the configuration file of the router; None means the platform's own file.
    """
    files = {
        "supergraph": platform_file(SUPERGRAPH),
        "router_config": router_config or platform_file(ROUTER_CONFIG),
    }
    return [sys.executable, "-P", "-m", *(argument.format(**files) for argument in process.arguments)]
