"""Gives each process only those variables of the platform that it reads.

A secret that a process does not have cannot leak from it. Only auth gets the secret that encrypts signing keys. Only
account and transaction get the secret that authenticates the calls between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bank.platform_files import ROUTER_CONFIG, platform_file
from bank.variables import VARIABLES
from mosafe.sandbox_provider.settings import SandboxProviderSettings
from rest_compat.settings import RestSettings
from router.settings.load import variables_of
from servicekit.client_address import LOOPBACK, parse_address
from servicekit.settings import FILE_SUFFIX, ProcessSettings, variable_names
from subgraphs.account.settings import AccountSettings
from subgraphs.auth.settings import AuthSettings
from subgraphs.transaction.settings import TransactionSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mosafe.processes import Process

_SETTINGS: Final[Mapping[str, type[ProcessSettings]]] = {
    "auth": AuthSettings,
    "account": AccountSettings,
    "transaction": TransactionSettings,
    "router": ProcessSettings,
    "rest": RestSettings,
    "sandbox-provider": SandboxProviderSettings,
}
# Every settings class has this variable. Only these processes need the secret: they sign or verify the calls between
# services.
_BETWEEN_SERVICES: Final = "MOSAFE_SERVICE_SECRET"
_CALL_EACH_OTHER: Final = frozenset({"auth", "account", "transaction"})


# REST is the outermost process: no other process of the platform calls it.
_OUTERMOST: Final = "rest"
_TRUSTED: Final = "MOSAFE_TRUSTED_PROXIES"


def variables_for(process: Process, environ: Mapping[str, str], router_config: Path | None = None) -> dict[str, str]:
    """Return `environ` without those variables of the platform that `process` does not read.

    `router_config` is the configuration file of the router; None means the platform's own file.

    REST calls the router, and the router calls the services. So the router and the services receive requests from
    another process of the platform. They must trust the client address that the calling process reports.
    Otherwise, all clients would seem to have the address of that process, and would share one rate limit. So the
    loopback address and `MOSAFE_HOST` are added to the trusted proxies of all processes except REST.
    """
    own = set(variable_names(_SETTINGS[process.name]))
    if process.name == "router":
        own |= variables_of(router_config or platform_file(ROUTER_CONFIG))
    if process.name not in _CALL_EACH_OTHER:
        own.discard(_BETWEEN_SERVICES)
    foreign = VARIABLES.names - own
    kept = {name: value for name, value in environ.items() if name.removesuffix(FILE_SUFFIX) not in foreign}
    return kept if process.name == _OUTERMOST else kept | {_TRUSTED: _trusted_behind_rest(environ)}


def _trusted_behind_rest(environ: Mapping[str, str]) -> str:
    given, host = environ.get(_TRUSTED, "").strip(), parse_address(environ.get("MOSAFE_HOST", ""))
    networks = [] if given.lower() in {"", "none"} else [given]
    own = [] if host is None or host.is_unspecified else [str(host)]
    return ",".join([*networks, str(LOOPBACK), *own])
