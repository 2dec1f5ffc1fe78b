"""The five processes of the platform: their commands, their addresses, and how they find each other."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bank.platform_files import ROUTER_CONFIG, SUPERGRAPH, platform_file
from servicekit.errors import ConfigurationError

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
            user has not set the variable, its value is `http://host:port<path>`.
    """

    name: str
    arguments: tuple[str, ...]
    port_variable: str
    default_port: int
    entry_path: str
    found_by: tuple[tuple[str, str], ...]


PROCESSES: Final = (
    Process(
        "auth",
        ("mosafe", "auth"),
        "AUTH_PORT",
        3001,
        "/graphql",
        (("AUTH_URL", "/graphql"), ("AUTH_ISSUER", ""), ("AUTH_JWKS_URL", "/.well-known/jwks.json")),
    ),
    Process(
        "account",
        ("mosafe", "account"),
        "ACCOUNT_PORT",
        3002,
        "/graphql",
        (("ACCOUNT_URL", "/graphql"), ("ACCOUNT_INTERNAL_URL", "")),
    ),
    Process(
        "transaction",
        ("mosafe", "transaction"),
        "TRANSACTION_PORT",
        3003,
        "/graphql",
        (("TRANSACTION_URL", "/graphql"),),
    ),
    Process(
        "router",
        ("router", "serve", "--supergraph", "{supergraph}", "--config", "{router_config}"),
        "ROUTER_PORT",
        4000,
        "/graphql",
        (("ROUTER_URL", "/graphql"),),
    ),
    Process("rest", ("mosafe", "rest"), "REST_PORT", 8000, "/openapi.json", ()),
)


# A process that `mosafe up --sandbox-provider` starts first, because the transaction service calls it.
SANDBOX_PROVIDER: Final = Process(
    "sandbox-provider",
    ("mosafe", "sandbox-provider"),
    "SANDBOX_PROVIDER_PORT",
    3100,
    "/v1/statement",
    (("PAYMENT_PROVIDER_URL", ""),),
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


def base_url(process: Process, environ: Mapping[str, str]) -> str:
    return f"http://{reachable_host(environ)}:{port_of(process, environ)}"


def addresses(environ: Mapping[str, str], processes: Iterable[Process] = PROCESSES) -> dict[str, str]:
    """Return the variables with the URLs of the processes, except the variables that the user has set.

    The issuer of access tokens is the public address of the auth service. The processes fetch its keys at its local
    address.
    """
    found = {
        variable: base_url(process, environ) + path
        for process in processes
        for variable, path in process.found_by
        if not environ.get(variable)
    }
    if "AUTH_ISSUER" in found and (public_url := environ.get("AUTH_PUBLIC_URL")):
        found["AUTH_ISSUER"] = public_url.rstrip("/")
    return found


def command_line(process: Process, router_config: Path | None = None) -> list[str]:
    """Return the command line that starts `process` with this Python interpreter.

    `router_config` is the configuration file of the router; None means the platform's own file.
    """
    files = {
        "supergraph": platform_file(SUPERGRAPH),
        "router_config": router_config or platform_file(ROUTER_CONFIG),
    }
    return [sys.executable, "-P", "-m", *(argument.format(**files) for argument in process.arguments)]
