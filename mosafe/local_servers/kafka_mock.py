"""A broker that speaks Kafka's protocol and keeps everything in memory: librdkafka's mock cluster.

The broker creates a topic when a client first uses it. It supports consumer groups and idempotent producers, and it
chooses its port itself. It does not support ACLs or a search for offsets by time. Tests that use ACLs or this search
need a real Kafka.

If this module is run as a program, it runs the broker. For each line on its standard input, the program replaces the
cluster by an empty cluster, and prints the address of the new cluster. The program ends when its standard input ends.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from mosafe.local_servers.server_process import ServerNotInstalled, ServerProcess
from servicekit.errors import StartupError

if TYPE_CHECKING:
    from collections.abc import Sequence


class KafkaMock(ServerProcess):
    """A Kafka cluster of one broker. `stop` and `renew` discard the data of the cluster and change its port."""

    name: ClassVar[str] = "Kafka mock broker"
    answers_on_stdout: ClassVar[bool] = True

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def renew(self) -> None:
        """Replace the cluster by an empty one.

        Raises:
            StartupError: the broker has ended.
        """
        process = self._running
        if process.stdin is None or process.stdout is None:
            raise TypeError("the broker was started without pipes")
        with suppress(BrokenPipeError):  # if the broker has ended, the following read returns an empty line
            process.stdin.write(b"\n")
            process.stdin.flush()
        address = process.stdout.readline().decode().strip()
        if not address:
            raise StartupError(f"{self.name} has ended:{self._last_lines()}")
        self._port = int(address.rpartition(":")[2])

    def _command(self, port: int) -> Sequence[str]:  # noqa: ARG002 - librdkafka chooses the port
        if find_spec("confluent_kafka") is None:
            raise ServerNotInstalled("The Kafka mock broker", "confluent-kafka")
        return (sys.executable, "-P", "-m", __name__)

    def _responds(self) -> bool:
        self.renew()
        return True


def serve() -> None:
    """Run the broker until the standard input ends."""
    from confluent_kafka import Producer  # noqa: PLC0415 - only the program needs the package

    for _line in sys.stdin:
        # The mock cluster is part of this client object, and exists as long as the object.
        cluster = Producer({"bootstrap.servers": "replaced", "test.mock.num.brokers": 1, "log_level": 3})
        (broker,) = cluster.list_topics(timeout=10).brokers.values()
        print(f"{broker.host}:{broker.port}", flush=True)  # noqa: T201 - the response to the line


if __name__ == "__main__":
    serve()
