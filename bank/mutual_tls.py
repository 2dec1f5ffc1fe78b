"""Mutual TLS of the bank's processes: who may call whom comes from the topology, the files from `MOSAFE_TLS_*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bank.topology import load_topology
from servicekit.errors import ConfigurationError
from servicekit.server import Endpoint, MutualTls
from servicekit.shutdown import forbid_as_graphql
from servicekit.tls.caller_check import CallerRules
from servicekit.tls.process_files import process_client_context, process_server_context

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp
    from servicekit.settings import ProcessSettings
    from servicekit.tls.contexts import ReloadingContext


def server_tls(process: str, settings: ProcessSettings, forbid: ASGIApp = forbid_as_graphql) -> MutualTls | None:
    """Return how `process` serves mutual TLS; None if the variables `MOSAFE_TLS_*` are not set.

    `forbid` is the application that refuses requests of processes that may not call a path.

    Raises:
        ConfigurationError: only some of the variables are set, a file cannot be used, or the certificate is for another
            process.
    """
    files = settings.tls_files
    if files is None:
        return None
    topology = load_topology()
    context = process_server_context(files, identity=topology.identity(process))
    return MutualTls(context, CallerRules(topology.caller_rules(process)), forbid)


def probe_endpoint(process: str, settings: ProcessSettings) -> Endpoint | None:
    """Return the address of the port for health probes.

    With mutual TLS, every process has such a port. Without it, only a process with MOSAFE_HEALTH_PORT has one.

    Raises:
        ConfigurationError: as `server_tls`.
    """
    port = settings.health_port
    if port is None and settings.tls_files is not None:
        port = load_topology().process(process).health_port
    return None if port is None else Endpoint(settings.health_host, port, "MOSAFE_HEALTH_PORT")


def client_tls(settings: ProcessSettings, process: str, url: str, variable: str) -> ReloadingContext | None:
    """Return the TLS context for requests to `process`; None if the variables `MOSAFE_TLS_*` are not set.

    Args:
        settings: the settings of the calling process.
        process: the process that is called. Its certificate must have its identity.
        url: where it is called.
        variable: the variable with this URL.

    Raises:
        ConfigurationError: as `server_tls`; or the URL is not https although mutual TLS is on.
    """
    files = settings.tls_files
    if files is None:
        return None
    if not url.lower().startswith("https://"):
        raise ConfigurationError(variable, "not an https URL, although MOSAFE_TLS_CERT_FILE switches mutual TLS on")
    return process_client_context(files, server_identity=load_topology().identity(process))
