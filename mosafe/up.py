"""`mosafe up`: run the whole platform on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import shutil
import signal
import socket
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click
import psutil
import structlog

from bank.variables import VARIABLES
from mosafe.dpop_variables import dpop_variables
from mosafe.infrastructure import DATA_DIR, Infrastructure
from mosafe.local_mtls import LocalMtls, refuse_variables_of_one_process
from mosafe.local_servers.server_process import free_port
from mosafe.process_variables import variables_for
from mosafe.processes import PROCESSES, SANDBOX_PROVIDER, Process, addresses, base_url, command_line, port_of
from mosafe.sandbox_provider.local_variables import local_variables
from mosafe.signature_variables import signature_variables
from mosafe.supervisor import STOP_SECONDS, ChildDied, ChildrenNotReady, ChildSpec, Supervisor
from servicekit.commands import CANNOT_START
from servicekit.errors import StartupError
from servicekit.settings import environment, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mosafe.demo import DemoPerson

COLOURS: Final = {
    "auth": "cyan",
    "account": "green",
    "transaction": "yellow",
    "router": "magenta",
    "rest": "blue",
    SANDBOX_PROVIDER.name: "white",
}
NAME_WIDTH: Final = max(len(process.name) for process in PROCESSES)


@click.command("up")
@click.option("--demo", is_flag=True, help="Create people, accounts and a month of transactions first.")
@click.option(
    "--infra", is_flag=True, help="Start servers of the extra dev, too, and use them instead of what is embedded."
)
@click.option(
    "--router-config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The router's configuration, instead of router.yaml of the platform.",
)
@click.option("--sandbox-provider", is_flag=True, help="Start a payment provider for tests, too; docs/payments.md.")
@click.option("--mtls", is_flag=True, help="Let all processes speak mutual TLS only; docs/deploy/mtls.md.")
def command(*, demo: bool, infra: bool, router_config: Path | None, sandbox_provider: bool, mtls: bool) -> None:
    """Start auth, account, transaction, router and REST; stop them all with Ctrl-C."""
    environ = environment()
    refuse_unknown(environ, VARIABLES)
    refuse_variables_of_one_process(environ)
    environ["MOSAFE_ENV"] = environ.get("MOSAFE_ENV") or "development"
    processes = (SANDBOX_PROVIDER, *PROCESSES) if sandbox_provider else PROCESSES
    environ.update(addresses(environ, processes, tls=mtls))
    with Infrastructure() as infrastructure:
        if infra:
            # With --infra, the stores are in PostgreSQL and MongoDB. The default data directory may belong to an
            # installation with embedded stores, so another directory is used (bank §4.8).
            environ["MOSAFE_DATA_DIR"] = environ.get("MOSAFE_DATA_DIR") or DATA_DIR
            refuse_taken_ports(environ, processes)
            click.echo("starting the servers")
            infrastructure.start(environ, Path(environ["MOSAFE_DATA_DIR"]) / "servers")
            environ.update(infrastructure.variables)
        local_mtls = LocalMtls.prepare(environ, processes) if mtls else None
        code = _up(environ, Extras(infrastructure, router_config, processes, local_mtls), demo=demo)
    sys.exit(code)


@dataclass(frozen=True, slots=True)
class Extras:
    """What the options of the command add.

    Attributes:
        infrastructure: the servers of `--infra`.
        router_config: the configuration file of the router; None means the platform's own file.
        processes: all processes, in the order of their start.
        mtls: the certificates of `--mtls`; None without it.
    """

    infrastructure: Infrastructure
    router_config: Path | None
    processes: tuple[Process, ...]
    mtls: LocalMtls | None = None


def _up(environ: dict[str, str], extras: Extras, *, demo: bool) -> int:
    """Run the platform until it is stopped, and return the exit code."""
    if sys.stdout.isatty() and environ["MOSAFE_ENV"] == "development":
        environ.setdefault("MOSAFE_LOG_FORMAT", "text")
        environ.setdefault("FORCE_COLOR", "1")  # by default, a process does not colour text that it writes to a pipe
    refuse_taken_ports(environ, extras.processes)
    environ.update(signature_variables(environ))
    environ.update(dpop_variables(environ))
    if SANDBOX_PROVIDER in extras.processes:
        transaction = next(process for process in PROCESSES if process.name == "transaction")
        environ.update(local_variables(environ, base_url(transaction, environ, tls=extras.mtls is not None)))
    people: Sequence[DemoPerson] = ()
    if demo:
        from mosafe.demo import fill  # noqa: PLC0415 - the demo needs every service in this process

        # The services log a line for each order. Between so many lines, a user would hardly find the passwords. So only
        # warnings are logged while the demo data is written.
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        people = asyncio.run(fill(environ))
    welcome = banner(environ, people, extras)
    return asyncio.run(_run(_Started(environ, welcome, extras)))


def refuse_taken_ports(environ: Mapping[str, str], processes: Sequence[Process] = PROCESSES) -> None:
    """Check before any process starts that every port is free.

    Raises:
        StartupError: a port is taken, or two processes have the same port. The message names the port, the process that
            listens on the port if known, and the variable that sets the port.
    """
    seen: dict[int, Process] = {}
    for process in processes:
        port = port_of(process, environ)
        if port in seen:
            other = seen[port].port_variable
            raise StartupError(f"port {port} is given twice: by {other} and by {process.port_variable}")
        seen[port] = process
        if not _is_free(environ.get("MOSAFE_HOST") or "127.0.0.1", port):
            raise StartupError(
                f"port {port} ({process.name}) is taken by {_holder(port)};"
                f" stop it, or choose another port: {process.port_variable}={free_port()} {_started_with()}"
            )


def _started_with() -> str:
    """Return the command that the user probably typed: `make run` or `mosafe up`.

    The variable MAKELEVEL is set if this process was started by make.
    """
    return "make run" if "MAKELEVEL" in os.environ else "mosafe up"


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """Return the process that listens on `port`, if this user may see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return "another process"
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return _describe(connection.pid)
    return "another process"


def _describe(pid: int | None) -> str:
    if pid is None:
        return "another user's process"
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.Error:
        return f"process {pid}"


async def _run(started: _Started) -> int:
    """Run the processes until a signal or a failure, and return the exit code."""
    stop = asyncio.Event()
    async with Supervisor(_write_line) as supervisor:

        def stop_or_kill() -> None:
            if stop.is_set():
                click.echo("ending all processes at once")
                supervisor.kill()
            stop.set()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop_or_kill)
        code = await _run_until(stop, supervisor, started)
        if stop.is_set():
            order = ", ".join(process.name for process in reversed(started.extras.processes))
            click.echo(
                f"stopping {order}: each finishes its requests, at most {STOP_SECONDS:g} s in all;"
                " a second Ctrl-C ends them at once"
            )
    return 1 if supervisor.was_killed else code


@dataclass(frozen=True, slots=True)
class _Started:
    """What the processes are started with.

    Attributes:
        environ: the environment.
        welcome: the text to print when all processes are ready.
        extras: what the options of the command add.
    """

    environ: Mapping[str, str]
    welcome: str
    extras: Extras


class _ServerDied(Exception):
    """A server of `--infra` ended by itself."""


async def _run_until(stop: asyncio.Event, supervisor: Supervisor, started: _Started) -> int:
    """Start all processes, and wait for `stop` or a failure. If there is a failure, print it. Return the exit code."""
    mtls = started.extras.mtls
    renewing = asyncio.ensure_future(mtls.keep_renewing()) if mtls is not None else None
    starting = asyncio.ensure_future(
        supervisor.start([_spec(process, started) for process in started.extras.processes])
    )
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return 0
        starting.result()
        click.echo(started.welcome)
        await _wait_for_death(stopping, supervisor, started.extras.infrastructure)
        return 0
    except ChildDied as error:
        click.secho(f"mosafe: {error}; stopping the rest. Its last lines:", err=True, fg="red")
        for line in error.child.last_lines:
            click.echo(f"  {line}", err=True)
        return CANNOT_START if error.child.process.returncode == CANNOT_START else 1
    except (ChildrenNotReady, _ServerDied) as error:
        click.secho(f"mosafe: {error}", err=True, fg="red")
        return 1
    finally:
        tasks = [task for task in (starting, stopping, renewing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait_for_death(
    stopping: asyncio.Future[Literal[True]], supervisor: Supervisor, infrastructure: Infrastructure
) -> None:
    """Return when `stopping` is done.

    Raises:
        ChildDied: a process of the platform ended.
        _ServerDied: a server ended.
    """
    child = asyncio.ensure_future(supervisor.wait_for_death())
    server = asyncio.ensure_future(infrastructure.wait_for_death())
    ends: tuple[asyncio.Future[Any], ...] = (child, server, stopping)
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if child.done():
            raise ChildDied(child.result())
        if server.done():
            raise _ServerDied(server.result())
    finally:
        child.cancel()
        server.cancel()


def _spec(process: Process, started: _Started) -> ChildSpec:
    environ, config, mtls = started.environ, started.extras.router_config, started.extras.mtls
    variables = variables_for(process, environ, config)
    ready_url = f"{base_url(process, environ)}/health/ready"
    if mtls is not None:
        variables |= mtls.variables(process)
        if not process.is_outside:
            ready_url = mtls.ready_url(process)
    return ChildSpec(process.name, command_line(process, config), ready_url, variables)


def _write_line(name: str, line: str) -> None:
    prefix = click.style(f"{name:<{NAME_WIDTH}} |", fg=COLOURS[name])
    click.echo(f"{prefix} {line}")


def banner(
    environ: Mapping[str, str],
    people: Sequence[DemoPerson] = (),
    extras: Extras | None = None,
) -> str:
    """Return the message that is printed after the start.

    The message contains the address of each process, and a command with which the user gets a first access token. With
    demo data (`people`), this command logs in as the first person. For the servers of `--infra`, the message contains
    the variables that another program needs to connect to them.
    """
    processes = extras.processes if extras is not None else PROCESSES
    mtls = extras.mtls if extras is not None else None
    urls = {process.name: base_url(process, environ, tls=mtls is not None) for process in processes}
    width = max(map(len, urls))
    rows = [f"  {process.name:<{width}}  {urls[process.name]}{process.entry_path}" for process in processes]
    data = os.path.relpath(environ.get("MOSAFE_DATA_DIR") or ".mosafe")
    rule = "-" * min(72, shutil.get_terminal_size().columns)
    return "\n".join(
        (
            rule,
            "MoSafe is up. Ctrl-C stops it; its state is in " + data,
            *rows,
            "",
            *(_pages(environ) if mtls is None else ()),
            *_servers(extras.infrastructure if extras is not None else None),
            *_logins(people),
            "A first token (then send `Authorization: Bearer <accessToken>`):",
            *_first_command(f"{mtls.curl_options()} {urls['rest']}" if mtls is not None else urls["rest"], people),
            rule,
        )
    )


def _pages(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the addresses of the pages for browsers, which the processes serve in development only."""
    if environ.get("MOSAFE_ENV") == "development":
        urls = {process.name: base_url(process, environ) for process in PROCESSES}
        yield "In a browser:"
        yield f"  {urls['rest']}/      the bank: sign in, move money"
        yield f"  {urls['rest']}/docs  the reference of the REST API"
        yield f"  {urls['router']}/      GraphQL operations and their query plans"
        yield ""


def _servers(infrastructure: Infrastructure | None) -> Iterator[str]:
    if infrastructure is not None and infrastructure.variables:
        yield "Servers:"
        for name, value in infrastructure.variables.items():
            yield f"  {name}={value}"
        yield from (f"  {note}" for note in infrastructure.notes)
        yield ""


def _logins(people: Sequence[DemoPerson]) -> Iterator[str]:
    if people:
        yield "People, with e-mail address and password:"
        for person in people:
            roles = ", ".join(role.value for role in person.roles)
            yield f"  {person.email:<20} {person.password}  {person.name} ({roles})"
        yield ""


def _first_command(rest: str, people: Sequence[DemoPerson]) -> tuple[str, str]:
    """Return a command in two lines. `rest` is the URL of the REST layer, with the options that curl needs for it."""
    if people:
        path, body = "login", {"email": people[0].email, "password": people[0].password}
    else:
        # Each start uses another e-mail address. So the command works even if the addresses of earlier starts are
        # registered.
        email = f"ada.{secrets.token_hex(2)}@example.com"
        path, body = "register", {"email": email, "password": "correct horse battery", "name": "Ada"}
    return (
        f"  curl -s {rest}/api/auth/{path} -H 'content-type: application/json' \\",
        f"    -d '{json.dumps(body)}'",
    )
