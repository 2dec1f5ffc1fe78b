"""Reads `topology.yaml`: which processes the platform has, where they listen, and who may call whom.

```python
topology = load_topology()
topology.process("account").port                              # 3002
topology.identity("router")                                   # "spiffe://mosafe/router"
topology.may_call("transaction", "account", "/internal/postings")   # True
topology.may_call("router", "account", "/internal/postings")        # False
```
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPOLOGY_FILE: Final = Path(__file__).with_name("topology.yaml")

# Unknown keys are refused, and so are values of another type, such as the text "3001" as a port.
_STRICT: Final = ConfigDict(extra="forbid", strict=True)

# A name is part of a host name and of a URI, so it has the characters of a label of DNS (RFC 1123 §2.1).
_Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")]
_Path = Annotated[str, Field(pattern=r"^/(\S*[^\s/])?$")]
_Port = Annotated[int, Field(ge=1, le=65535)]
_Paths = Annotated[tuple[_Path, ...], Field(min_length=1)]
_Names = tuple[_Name, ...]


class InvalidTopology(StartupError):
    """The file cannot be used. The message names the file and the key."""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Api:
    """A group of paths of one process.

    Attributes:
        paths: each path stands for itself and all paths below it.
        callers: the names of the processes that may call these paths.
    """

    paths: _Paths
    callers: _Names


@dataclass(frozen=True, slots=True, config=_STRICT)
class ProcessPlace:
    """One process: where it listens, and what it serves. A process that only calls others has no port.

    Attributes:
        port: the port for requests.
        port_variable: the environment variable that changes `port`.
        health_port: the port for probes of an orchestrator.
        other_ports: further ports, by name.
        hosts: the names under which other processes find it, besides the name of the process.
        apis: what other processes may call, by name.
    """

    port: _Port | None = None
    port_variable: str | None = None
    health_port: _Port | None = None
    other_ports: dict[_Name, _Port] = field(default_factory=dict)
    hosts: _Names = ()
    apis: dict[_Name, Api] = field(default_factory=dict)

    def api_of(self, path: str) -> Api | None:
        """Return the API of a request path. If several match, the one with the longest path is returned."""
        matching = [(len(own), api) for api in self.apis.values() for own in api.paths if _is_at_or_below(path, own)]
        return max(matching, key=lambda found: found[0])[1] if matching else None

    def ports(self) -> dict[str, int]:
        """Return all ports by name: `main`, `health`, and the ports in `other_ports`."""
        own = {"main": self.port, "health": self.health_port}
        return {name: port for name, port in own.items() if port is not None} | self.other_ports


@dataclass(frozen=True, slots=True, config=_STRICT)
class Topology:
    """All processes of the platform, by name, and the trust domain of their identities."""

    trust_domain: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
    processes: dict[_Name, ProcessPlace]

    def process(self, name: str) -> ProcessPlace:
        """Return a process.

        Raises:
            StartupError: the platform has no such process. The message lists the processes.
        """
        found = self.processes.get(name)
        if found is None:
            raise StartupError(f"there is no process {name!r}; there are {', '.join(self.processes)}")
        return found

    def identity(self, name: str) -> str:
        """Return the URI in the certificate of a process.

        Raises:
            StartupError: as `process`.
        """
        self.process(name)
        return f"spiffe://{self.trust_domain}/{name}"

    def servers(self) -> tuple[str, ...]:
        """Return the processes with an API, in the order of the file."""
        return tuple(name for name, place in self.processes.items() if place.apis)

    def may_call(self, caller: str, process: str, path: str) -> bool:
        """Return whether `caller` may send requests with this path to `process`."""
        api = self.process(process).api_of(path)
        return api is not None and caller in api.callers

    def caller_rules(self, process: str) -> dict[str, frozenset[str]]:
        """Return for each path of `process` the identities that may call it (`servicekit.tls.caller_check`)."""
        return {
            path: frozenset(self.identity(caller) for caller in api.callers)
            for api in self.process(process).apis.values()
            for path in api.paths
        }

    def calls(self) -> frozenset[tuple[str, str]]:
        """Return the pairs of a caller and a process of which it may call at least one API."""
        return frozenset(
            (caller, name)
            for name, place in self.processes.items()
            for api in place.apis.values()
            for caller in api.callers
        )


def read_topology(path: Path) -> Topology:
    """Read a topology from a file.

    Raises:
        InvalidTopology: the file cannot be read, is not YAML, has an unknown key, a wrong value or a key that is given
            twice, names a process that does not exist, or gives a port or a path twice.
    """
    # The YAML parser takes long to import, and a process without mutual TLS does not read the file.
    from ruamel.yaml import YAML  # noqa: PLC0415
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        document = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        # From JSON, strict types accept a list as a tuple and a mapping as a dataclass.
        topology = TypeAdapter(Topology).validate_json(json.dumps(document))
    except OSError as error:
        raise InvalidTopology(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, YAMLError, TypeError) as error:  # JSON has no dates and binary values: TypeError
        raise InvalidTopology(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidTopology(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    problem = next(_contradictions(topology), None)
    if problem is not None:
        raise InvalidTopology(f"{path}: {problem}")
    return topology


@cache
def load_topology() -> Topology:
    """Return the topology of the platform. The file is read once.

    Raises:
        InvalidTopology: as `read_topology`.
    """
    return read_topology(TOPOLOGY_FILE)


def _contradictions(topology: Topology) -> Iterator[str]:
    ports = Counter(port for place in topology.processes.values() for port in place.ports().values())
    yield from (f"port {port} is given {count} times" for port, count in ports.items() if count > 1)
    for name, place in topology.processes.items():
        if place.apis and (place.port is None or place.health_port is None):
            yield f"processes.{name}: a process with apis needs port and health_port"
        paths = Counter(path for api in place.apis.values() for path in api.paths)
        yield from (
            f"processes.{name}.apis: {path} is given {count} times" for path, count in paths.items() if count > 1
        )
        for key, api in place.apis.items():
            for caller in api.callers:
                if caller not in topology.processes:
                    yield f"processes.{name}.apis.{key}.callers: there is no process {caller!r}"


def _is_at_or_below(path: str, parent: str) -> bool:
    return parent in {"/", path} or path.startswith(f"{parent}/")
