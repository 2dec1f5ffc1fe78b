"""Checks the processes: what listens on their ports, whether they are ready, and whether their schemas fit together."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Final

import httpx

from bank.platform_files import SUPERGRAPH, platform_file
from bank.signature_secret import SIGNATURE_SECRET_FILE
from bank.topology import load_topology
from mosafe.doctor.findings import SERVICES, Context, Finding, failed, ok, warning
from mosafe.doctor.process_calls import SECONDS, Call, CallFailed, call, validity_of_server
from mosafe.doctor.tls_check import ends_soon
from mosafe.processes import PROCESSES, port_of, reachable_host
from router.composition import Subgraph, compose
from servicekit.errors import ConfigurationError, StartupError
from servicekit.http_signatures.keys import HmacKey
from servicekit.http_signatures.request_signer import RequestSigner, SigningTarget
from servicekit.private_files import read_private_file

if TYPE_CHECKING:
    from mosafe.doctor.findings import Context
    from mosafe.processes import Process
    from subgraphs.kit.settings import SubgraphSettings

_JSON: Final = "application/json"
_SDL: Final = json.dumps({"query": "{ _service { sdl } }"}).encode()
_URL: Final = re.compile(r'url: "[^"]*"')
_READY: Final = 200
_NOT_READY: Final = 503


async def check_ports(context: Context) -> list[Finding]:
    """What listens on the port of each process, and whether it is ready."""
    return [
        finding for found in await asyncio.gather(*(_port(each, context) for each in PROCESSES)) for finding in found
    ]


async def _port(process: Process, context: Context) -> list[Finding]:
    check = f"port {process.name}"
    try:
        port, host = port_of(process, context.environ), reachable_host(context.environ)
    except ConfigurationError as error:
        return [failed(check, str(error), "correct the variable in .env")]
    try:
        _, writer = await asyncio.open_connection(host.strip("[]"), port)
        writer.close()
    except OSError:
        start = f"mosafe {process.name}" if process.name != "router" else "router serve"
        return [warning(check, f"nothing listens on {host}:{port}", f"mosafe up, or {start}")]
    try:
        response = await call(context, process.name, port, Call("/health/ready"))
    except ConfigurationError as error:
        return [failed(check, str(error), "see the line `tls`")]
    except CallFailed as error:
        probed = await _probe_port(process.name)
        return [failed(check, f"{error}{probed}", error.fix or f"ss -ltnp 'sport = :{port}'")]
    return [_readiness(check, response, f"ss -ltnp 'sport = :{port}'")]


def _readiness(check: str, response: httpx.Response, who: str) -> Finding:
    base = str(response.url).removesuffix("/health/ready")
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or response.status_code not in {_READY, _NOT_READY} or "status" not in body:
        return failed(check, f"another program, or one that hangs, listens on {base}", who)
    if response.status_code == _NOT_READY:
        failing = ", ".join(map(str, body.get("failing", ()))) or body["status"]
        return failed(check, f"{base} is not ready: {failing}", "look at its log; other lines say more")
    validity = validity_of_server(response)
    if validity is None:
        return ok(check, f"{base} is ready")
    until = f"{validity.not_after:%F %H:%M} UTC"
    if ends_soon(validity):
        return warning(check, f"{base} is ready; its certificate expires at {until}", "mosafe certs rotate")
    return ok(check, f"{base} is ready; its certificate is valid until {until}")


def _port_for_probes(process: str) -> int | None:
    return load_topology().process(process).health_port


async def _probe_port(process: str) -> str:
    """Return what the process says at its port for probes, which needs no certificate; empty if nothing responds."""
    port = _port_for_probes(process)
    try:
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            response = await client.get(f"http://127.0.0.1:{port}/health/ready")
        return f"; at its port for probes, {port}, it says: {response.json()['status']}"
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return ""


async def check_supergraph(context: Context) -> list[Finding]:
    """Whether the supergraph of the router is composed from the schemas that the subgraphs serve."""
    if len(context.settings) < len(SERVICES):
        return []
    names = list(context.settings)
    sdls = await asyncio.gather(*(_sdl(name, context.settings[name], context) for name in names))
    unknown = [f"{name} ({sdl.reason})" for name, sdl in zip(names, sdls, strict=True) if isinstance(sdl, _NoSdl)]
    if unknown:
        return [warning("supergraph", f"not compared, no schema of: {', '.join(unknown)}", "mosafe up")]
    subgraphs = [Subgraph(name, "", sdl) for name, sdl in zip(names, sdls, strict=True) if isinstance(sdl, str)]
    composed = (await asyncio.to_thread(compose, subgraphs)).supergraph_sdl
    if composed is None:
        return [failed("supergraph", "the running subgraphs do not compose", "make supergraph")]
    own = platform_file(SUPERGRAPH).read_text(encoding="utf-8")
    if _URL.sub("", composed).split() != _URL.sub("", own).split():
        text = "the router's supergraph is not composed from the schemas of the running subgraphs"
        return [failed("supergraph", text, "make supergraph, or deploy services of one release")]
    return [ok("supergraph", "is composed from the schemas of the running subgraphs")]


class _NoSdl:
    """A subgraph that does not give its schema, and why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


async def _sdl(name: str, settings: SubgraphSettings, context: Context) -> str | _NoSdl:
    authority = f"{reachable_host(context.environ)}:{settings.port}"
    headers = {"content-type": _JSON, "host": authority}
    try:
        if settings.signatures:
            key = HmacKey(_signature_secret(settings).encode())
            target = SigningTarget(name, authority, "/graphql", _JSON)
            headers |= RequestSigner(key, target, covered=()).headers(_SDL, headers)
        response = await call(context, name, settings.port, Call("/graphql", _SDL, headers))
        sdl = response.json()["data"]["_service"]["sdl"]
    except ConfigurationError as error:
        return _NoSdl(str(error))
    except CallFailed as error:
        return _NoSdl(error.reason)
    except (StartupError, OSError):
        return _NoSdl("the secret of signatures cannot be read")
    except (ValueError, KeyError, TypeError):
        return _NoSdl("refused, as in production")
    return str(sdl)


def _signature_secret(settings: SubgraphSettings) -> str:
    if settings.signature_secret is not None:
        return settings.signature_secret.get_secret_value()
    return read_private_file(settings.data_dir / SIGNATURE_SECRET_FILE).strip()
