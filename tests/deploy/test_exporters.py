"""The exporter of Redis gives the metrics that the alerts use, with the files of `mosafe secrets init`.

It is the one of Debian, which is older than the one of the compose file; both read the same variables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final
from urllib.request import urlopen

import pytest

from mosafe.local_servers.redis_server import RedisServer, executable
from mosafe.local_servers.server_process import ServerProcess
from mosafe.secret_files import SERVERS, create_missing
from tests.deploy.checks.observability import METRICS
from tests.tools.deploy_tools import REDIS_EXPORTER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("deploy_tools")

ADDRESS: Final = "redis://redis:6379"


class RedisOfCompose(RedisServer):
    """Redis with the configuration file and the options of docker-compose.infra.yml, which asks for a password."""

    pong: ClassVar[bytes] = b"-NOAUTH"

    def __init__(self, folder: Path, configuration: Path) -> None:
        super().__init__(folder)
        self._configuration = configuration

    def _command(self, port: int) -> Sequence[str]:
        options = ("--appendonly", "yes", "--maxmemory", "192mb", "--maxmemory-policy", "noeviction")
        place = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.folder))
        return (executable(), str(self._configuration), *place, *options)


class RedisExporter(ServerProcess):
    """The exporter, with the address and the file in its variables, as in a container."""

    name: ClassVar[str] = "redis-exporter"

    def _command(self, port: int) -> Sequence[str]:
        return (str(REDIS_EXPORTER), "-web.listen-address", f"127.0.0.1:{port}")

    def _responds(self) -> bool:
        try:
            return bool(self.metrics())
        except OSError:
            return False

    def metrics(self) -> dict[str, float]:
        """Return the metrics without labels."""
        with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as response:
            text = response.read().decode()
        return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}


@pytest.fixture
def redis(tmp_path: Path) -> RedisOfCompose:
    create_missing(tmp_path / "secrets")
    return RedisOfCompose(tmp_path / "redis", tmp_path / "secrets" / SERVERS / "redis.conf")


def exporter_of(redis: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RedisExporter:
    address = f"redis://127.0.0.1:{redis.port}"
    file = tmp_path / "redis_exporter.json"
    made = (tmp_path / "secrets" / SERVERS / "redis_exporter.json").read_text(encoding="utf-8")
    assert ADDRESS in made
    file.write_text(made.replace(ADDRESS, address), encoding="utf-8")
    monkeypatch.setenv("REDIS_ADDR", address)
    monkeypatch.setenv("REDIS_PASSWORD_FILE", str(file))
    return RedisExporter(tmp_path / "exporter")


def test_the_exporter_has_the_metrics_of_the_alerts(
    redis: RedisOfCompose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis, exporter_of(redis, tmp_path, monkeypatch) as exporter:
        found = exporter.metrics()
        assert {name for name, job in METRICS.items() if job == "redis"} <= found.keys()
        assert (found["redis_up"], found["redis_aof_last_write_status"]) == (1, 1)
        assert found["redis_memory_max_bytes"] == 192 * 1024 * 1024
        redis.stop()
        assert exporter.metrics()["redis_up"] == 0
