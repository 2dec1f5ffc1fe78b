"""Hive Router, which `make race-peers` builds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from benchmarks.race.native_programs import CACHE
from benchmarks.race.routers.router import Absent, Command, Options, Place
from benchmarks.race.scenarios import Sharing

VERSION: Final = "0.2.0"
EXECUTABLE: Final = CACHE / f"hive-router-{VERSION}"


@dataclass(frozen=True, slots=True)
class HiveRouter:
    """Hive Router."""

    name: str = "hive-router"
    title: str = "Hive Router"
    language: str = "Rust"
    has_default_policies: bool = True

    def version(self) -> str:
        if not EXECUTABLE.exists():
            raise Absent("`make race-peers` has not built it")
        return VERSION

    def shares(self, _sharing: Sharing) -> bool:
        return True

    def command(self, place: Place, options: Options) -> Command:
        settings = {
            "supergraph": {"source": "file", "path": str(place.supergraph)},
            "http": {"host": "127.0.0.1", "port": place.port, "workers": options.workers},
            "traffic_shaping": {
                "all": {"dedupe_enabled": options.sharing is not Sharing.NOTHING},
                "router": {"dedupe": {"enabled": options.sharing is Sharing.OPERATIONS}},
            },
        }
        config = place.folder / "router.config.json"
        config.write_text(json.dumps(settings), "utf-8")
        return Command([str(EXECUTABLE)], {"ROUTER_CONFIG_FILE_PATH": str(config)})
