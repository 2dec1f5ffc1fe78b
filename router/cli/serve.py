"""`router serve`: serve one supergraph on one port, with one process or several."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from router.lifecycle.admin_port import ADMIN_PATHS, AdminApp, breaker_details, ready_check
from router.lifecycle.build_gateway import FileLocations
from router.lifecycle.read_supergraph_from_file_or_url import is_url
from router.lifecycle.router_process import RouterProcess
from router.lifecycle.supervisor_channel import report_failed_start, serve_supervisor
from router.lifecycle.worker_supervisor import Launch, WorkerSupervisor, call_when_closed, open_listeners
from router.settings.types import http_url
from servicekit import logging
from servicekit import settings as process
from servicekit.access_log import RequestIdMiddleware
from servicekit.errors import ConfigurationError, StartupError
from servicekit.health import HealthEndpoints
from servicekit.http_limits import ConnectionLimits
from servicekit.probe_port import no_further_path
from servicekit.server import Endpoint, MutualTls, ServerOptions, bind, serve, serving_beside, serving_probes
from servicekit.tls.caller_check import CallerRules
from servicekit.tls.process_files import process_server_context

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from router.lifecycle.admin_port import Operable
    from router.settings import RouterSettings
    from servicekit.asgi import ASGIApp
    from servicekit.settings import ProcessSettings

# The number of a worker, and the file descriptors of its listening socket and of its channel.
_Worker = tuple[int, int, int]
_CONFIG = Path("router.yaml")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Location(click.ParamType[str]):
    """The type of an option whose value is the path of an existing file, or an http(s) URL."""

    name = "file or URL"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_url(value):
            return str(_FILE.convert(value, param, ctx))
        try:
            return http_url(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The values of the command line options. `worker` is not None in a worker process."""

    supergraph: str | None
    config_file: Path | None
    host: str | None
    port: int | None
    workers: int | None
    dev: bool
    worker: _Worker | None

    def environ(self) -> dict[str, str]:
        """Return the environment variables. With `--dev`, MOSAFE_ENV is `development`."""
        environ = process.environment()
        if self.dev:
            environ["MOSAFE_ENV"] = "development"
            self._say("--dev is for development only: clients see the schema and all errors")
        return environ

    def config(self) -> Path | None:
        """Return the configuration file that `--config` names.

        Without `--config`, return `router.yaml` of the current folder, or None if there is no such file.
        """
        if self.config_file is not None or not _CONFIG.is_file():
            return self.config_file
        self._say(f"using {_CONFIG.resolve()}")
        return _CONFIG

    def applied_to(self, settings: RouterSettings) -> RouterSettings:
        """Return `settings` with the address of `--host` and `--port`."""
        given = {name: value for name in ("host", "port") if (value := getattr(self, name)) is not None}
        return settings.model_copy(update={"server": settings.server.model_copy(update=given)}) if given else settings

    def _say(self, text: str) -> None:
        if self.worker is None:  # the supervisor has already printed `text`
            click.echo(f"router: {text}", err=True)


@click.command("serve")
@click.option("--supergraph", type=_Location(), help="The composed supergraph: a file, or a URL that is polled.")
@click.option("--config", "config_file", type=_FILE, help="The configuration; without it, ./router.yaml.")
@click.option("--host", help="Address to listen on; overrides server.host.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; overrides server.port.")
@click.option("--workers", type=click.IntRange(min=1), help="Number of worker processes; overrides server.workers.")
@click.option("--dev", is_flag=True, help="For development: IDE, introspection, query plans, unmasked errors.")
@click.option("--worker", type=(int, int, int), hidden=True, help="A worker, as the supervisor starts it.")
def command(**given: Any) -> None:
    """Serve a composed supergraph over HTTP.

    The router reloads when the supergraph or the configuration changes, and when it receives SIGHUP.
    """
    options = _ServeOptions(**given)
    environ, worker = options.environ(), options.worker
    locations = FileLocations(options.config(), options.supergraph, environ)
    settings = options.applied_to(locations.settings())
    process_settings = _with_grace(process.load(process.ProcessSettings, environ), settings)
    if worker is not None:
        _serve_as_worker(locations, settings, process_settings, worker)
    elif (count := options.workers or settings.server.workers) > 1:
        sys.exit(_supervise(settings, process_settings, count))
    else:
        _serve_alone(locations, settings, process_settings)


def _with_grace(process_settings: ProcessSettings, settings: RouterSettings) -> ProcessSettings:
    """Return the process settings with `server.drain_timeout` as the time limit of the shutdown.

    If `mosafe up` started the router, the shutdown takes at most as long as `mosafe up` allows.
    """
    grace = settings.server.drain_timeout
    if process_settings.parent_pipe is not None:
        grace = min(grace, process_settings.shutdown_seconds)
    return process_settings.model_copy(update={"shutdown_seconds": grace})


def _listening(settings: RouterSettings) -> Endpoint:
    return Endpoint(settings.server.host, settings.server.port, "server.port in router.yaml, or ROUTER_PORT")


def _options(settings: RouterSettings, live: RouterProcess) -> ServerOptions:
    """Return the server options: the limits of connections to clients, and when requests start.

    The router itself enforces the configured limits, and names the exceeded limit in its response. For this, it must be
    able to read requests that are a little too large or too slow. So the server's limits for URL and headers are twice
    the configured limits, and the server's time limit for a request is `server.head_timeout` longer than the configured
    limit.
    """
    limits, server = settings.limits, settings.server
    bounded = limits.enforces("url_bytes") and limits.enforces("header_bytes")
    connections = ConnectionLimits(
        head_seconds=server.head_timeout,
        request_seconds=server.head_timeout + settings.traffic.request_timeout,
        head_bytes=2 * (limits.url_bytes + limits.header_bytes) if bounded else sys.maxsize,
        head_fields=2 * limits.header_count if limits.enforces("header_count") else sys.maxsize,
        keep_alive_seconds=server.keep_alive_timeout,
        keep_alive_requests=server.keep_alive_requests,
        max_connections=server.max_connections,
    )
    return ServerOptions(
        connections,
        admission=live.admission,
        http_server=server.http_server,
        direct=live.direct,
    )


def _mutual_tls(settings: RouterSettings, process_settings: ProcessSettings) -> MutualTls | None:
    """Return how the router serves mutual TLS; None if the variables `MOSAFE_TLS_*` are not set.

    Raises:
        ConfigurationError: a file cannot be used, or `tls.callers` is empty.
    """
    files = process_settings.tls_files
    if files is None:
        return None
    if not settings.tls.callers:
        problem = "mutual TLS is on, but tls.callers in router.yaml is empty, so no process may call the router"
        raise ConfigurationError("MOSAFE_TLS_CERT_FILE", problem)
    rules = CallerRules({rule.path: rule.identities for rule in settings.tls.callers})
    return MutualTls(process_server_context(files, identity=settings.tls.identity), rules)


def _probes(settings: RouterSettings, process_settings: ProcessSettings) -> Endpoint | None:
    """Return the address of the port for health probes; None if there is no such port."""
    port = process_settings.health_port
    if port is None and process_settings.tls_files is not None:
        port = settings.tls.health_port
    return None if port is None else Endpoint(process_settings.health_host, port, "MOSAFE_HEALTH_PORT")


def _most_waiting(settings: RouterSettings) -> int:
    return max(1, settings.server.max_connections // 4)


def _serve_alone(locations: FileLocations, settings: RouterSettings, process_settings: ProcessSettings) -> None:
    logging.configure("router", process_settings)  # for the lines about the supergraph and the settings
    live = RouterProcess(locations, _most_waiting(settings))
    signal.signal(signal.SIGHUP, lambda _number, _frame: live.request_reload())
    live.start()
    live.companions += _admin(settings, live)
    options = msgspec.structs.replace(
        _options(settings, live),
        mutual_tls=_mutual_tls(settings, process_settings),
        probes=_probes(settings, process_settings),
    )
    serve("router", lambda: live.asgi, _listening(settings), process_settings, options)


def _serve_as_worker(
    locations: FileLocations, settings: RouterSettings, process_settings: ProcessSettings, worker: _Worker
) -> None:
    index, listener, channel = worker
    logging.name_worker(index)
    logging.configure("router", process_settings)
    # A terminal sends SIGHUP to all processes. Workers ignore it, because the supervisor reloads the workers.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    connection = socket.socket(fileno=channel)
    live = RouterProcess(locations, _most_waiting(settings))
    try:
        live.start()
    except StartupError as error:
        report_failed_start(connection, str(error))
        raise
    handlers = {"status": live.status, "reload": live.reload, "reload_on_signal": live.reload_on_signal}
    live.companions.append(serve_supervisor(connection, handlers, _stop_this_process))
    mutual_tls = _mutual_tls(settings, process_settings)
    options = msgspec.structs.replace(_options(settings, live), supervised=True, mutual_tls=mutual_tls)
    serve("router", lambda: live.asgi, socket.socket(fileno=listener), process_settings, options)


def _stop_this_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _supervise(settings: RouterSettings, process_settings: ProcessSettings, count: int) -> int:
    """Run the workers until the router stops, and return its exit code."""
    _mutual_tls(settings, process_settings)  # so that wrong files are reported once, and not by each worker
    listeners = open_listeners(_listening(settings), count)
    probes = _probes(settings, process_settings)
    probe_listener = bind(probes) if probes is not None else None
    logging.configure("router", process_settings)
    environ = {name: value for name, value in os.environ.items() if name != "MOSAFE_PARENT_PIPE"}
    launch = Launch(
        # With -P, Python does not import modules from the working directory. Otherwise, a user's module named `router`
        # there would be imported instead of this package.
        command=[sys.executable, "-P", "-m", "router", *sys.argv[1:]],
        environ=environ,
        grace=process_settings.shutdown_seconds,
    )

    def probes_of(workers: WorkerSupervisor) -> list[AbstractAsyncContextManager[object]]:
        if probe_listener is None:
            return []
        return [serving_probes(_health_of(workers, no_further_path), probe_listener)]

    async def run() -> int:
        workers = WorkerSupervisor(launch, listeners)
        workers.companions += [*_admin(settings, workers), *probes_of(workers)]
        if process_settings.parent_pipe is not None:
            call_when_closed(process_settings.parent_pipe, workers.stop)
        return await workers.run()

    return asyncio.run(run())


def _health_of(operated: Operable, app: ASGIApp) -> HealthEndpoints:
    """Return the health endpoints of all workers, in front of `app`."""
    return HealthEndpoints(app, {"workers": ready_check(operated)}, breaker_details(operated))


def _admin(settings: RouterSettings, operated: Operable) -> list[AbstractAsyncContextManager[object]]:
    """Return the server of the admin port, or an empty list if the port is disabled.

    Raises:
        StartupError: the port is taken.
    """
    admin = settings.admin
    if not admin.enabled:
        return []
    app = _health_of(operated, AdminApp(operated, admin))
    listener = bind(Endpoint(admin.host, admin.port, "admin.port in router.yaml"))
    return [serving_beside(RequestIdMiddleware(app, routes=ADMIN_PATHS), listener)]
