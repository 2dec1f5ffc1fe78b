"""An Apache Kafka of one node, which keeps its data on disk. It needs Java, and the jars that `make tools` fetches.

Everybody may do everything that no access control list forbids, so that a test can refuse a client by such a list.
"""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from typing import TYPE_CHECKING, ClassVar, Final

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess, free_port
from mosafe.local_servers.tool_cache import TOOL_CACHE
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence

# The version of tests/tools/kafka/pom.xml.
JARS: Final = TOOL_CACHE / "kafka-3.9.1"
# Small enough for a machine that runs other servers, too. By default, Java takes a quarter of the memory.
_MEMORY: Final = ("-Xms64m", "-Xmx320m", "-XX:+UseSerialGC")
_CLUSTER: Final = "bW9zYWZlLWxvY2FsLTAwMQ"  # 16 bytes in base64, as Kafka wants it
_SETTINGS: Final = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=true
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
"""
_LOGGING: Final = """
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d %p %m%n
"""
# A request of the type ApiVersions (18), version 0, with the number 1 and no client id; its length comes first.
_REQUEST: Final = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class KafkaServer(ServerProcess):
    """An Apache Kafka in KRaft mode. `kill` and `start` keep the data and the port."""

    name: ClassVar[str] = "Kafka"

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @staticmethod
    def is_installed() -> bool:
        """Whether Java is installed and `make tools` has fetched Kafka."""
        return JARS.is_dir() and shutil.which("java") is not None

    def _command(self, port: int) -> Sequence[str]:
        java = shutil.which("java")
        if java is None or not JARS.is_dir():
            raise ServerNotInstalled("Kafka", "Kafka, which `make tools` fetches if Java and Maven are installed")
        data, settings, logging = (self.folder / name for name in ("data", "server.properties", "log4j.properties"))
        settings.write_text(
            _SETTINGS.format(port=port, controller=self._controller_port(), data=data), encoding="utf-8"
        )
        logging.write_text(_LOGGING, encoding="utf-8")
        program = (java, *_MEMORY, f"-Dlog4j.configuration=file:{logging}", "-cp", f"{JARS}/*")
        if not data.exists():
            self._format([*program, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(settings)])
        return (*program, "kafka.Kafka", str(settings))

    def _controller_port(self) -> int:
        """Return the port for the node's own messages. It is part of the stored state, so it must not change."""
        path = self.folder / "controller-port"
        if not path.exists():
            path.write_text(f"{free_port()}\n", encoding="ascii")
        return int(path.read_text(encoding="ascii"))

    def _format(self, command: Sequence[str]) -> None:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - a program of `make tools`
        if done.returncode:
            raise StartupError(f"{self.name} cannot format its folder {self.folder}: {done.stderr.decode()[-500:]}")

    def _responds(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(_REQUEST)
                return len(connection.recv(4)) > 0
        except OSError:
            return False
