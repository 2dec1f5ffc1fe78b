"""Gateways in Node.js, which `make race-peers` installs."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from benchmarks.race.native_programs import CACHE
from benchmarks.race.routers.router import Absent, Command, Options, Place
from benchmarks.race.scenarios import Sharing

SOURCES: Final = Path(__file__).parent / "node"


def installed() -> Path:
    """The folder with the packages of package-lock.json.

    Raises:
        Absent: `make race-peers` has not installed them, or there is no Node.js.
    """
    if shutil.which("node") is None:
        raise Absent("Node.js is not installed")
    digest = sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = CACHE / f"node-{digest}"
    if not (folder / ".installed").exists():
        raise Absent("`make race-peers` has not installed it")
    return folder


@dataclass(frozen=True, slots=True)
class NodeGateway:
    """A gateway in Node.js: `file` is copied beside the packages, where its imports are found.

    It is started as `node arguments`, with these words replaced: FILE, SUPERGRAPH, PORT.
    """

    name: str
    title: str
    file: str
    arguments: tuple[str, ...]
    packages: tuple[str, ...]
    sharing: tuple[Sharing, ...] = (Sharing.NOTHING,)
    language: str = "JavaScript"
    has_default_policies: bool = True

    def version(self) -> str:
        modules = installed() / "node_modules"
        versions = [json.loads((modules / each / "package.json").read_bytes())["version"] for each in self.packages]
        return ", ".join(f"{name} {version}" for name, version in zip(self.packages, versions, strict=True))

    def shares(self, sharing: Sharing) -> bool:
        return sharing in self.sharing

    def command(self, place: Place, options: Options) -> Command:
        folder = installed()
        file = folder / self.file
        file.write_bytes((SOURCES / self.file).read_bytes())
        words = {"FILE": str(file), "SUPERGRAPH": str(place.supergraph), "PORT": str(place.port)}
        arguments = ["node"]
        for each in self.arguments:
            path = folder / each
            arguments.append(words.get(each) or (str(path) if path.exists() else each))
        environment = {"NODE_ENV": "production", "SHARING": options.sharing.value, **words}
        return Command(arguments, environment)


_HIVE_GATEWAY: Final = (
    *("node_modules/@graphql-hive/gateway/dist/bin.js", "supergraph", "SUPERGRAPH", "--host", "127.0.0.1"),
    *("--port", "PORT", "--fork", "1", "--config-path", "FILE"),
)
_ALL_SHARING: Final = tuple(Sharing)

APOLLO_GATEWAY: Final = NodeGateway(
    "apollo-gateway", "Apollo Gateway", "apollo_gateway.mjs", ("FILE",), ("@apollo/gateway", "@apollo/server")
)
MERCURIUS: Final = NodeGateway(
    "mercurius", "Mercurius", "mercurius.mjs", ("FILE",), ("mercurius", "@mercuriusjs/gateway")
)
HIVE_GATEWAY: Final = NodeGateway(
    "hive-gateway",
    "Hive Gateway",
    "hive_gateway.config.mjs",
    _HIVE_GATEWAY,
    ("@graphql-hive/gateway",),
    _ALL_SHARING,
)
HIVE_GATEWAY_NATIVE: Final = NodeGateway(
    "hive-gateway-native",
    "Hive Gateway, native planner",
    "hive_gateway.config.mjs",
    (*_HIVE_GATEWAY, "--hive-router-runtime"),
    ("@graphql-hive/gateway", "@graphql-hive/router-runtime"),
    _ALL_SHARING,
)
