"""Calls other implementations of Federation in a Node process (`peer.js`), by JSON lines over its pipes.

`make peers` installs them; they are never part of the product. Tests use the fixture `peers`.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from router.composition import Subgraph

ROOT = Path(__file__).parent.parent.parent
INSTALLED = ROOT / ".peers"
# Federations of tests are composed in well under a second, but some searches of Apollo's hardly end.
TIMEOUT_SECONDS = 20.0


class PeerCrash(Exception):
    """The peer raised an exception; the text is its message and stack."""


class PeerTimeout(Exception):
    """The peer did not respond in time and was stopped. The next request starts a new process."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of Apollo's composition.

    `messages` are those of the errors, or of the hints if there are no errors. If a subgraph has a syntax error,
    `readable` is False, and only this error is reported.
    """

    ok: bool
    codes: frozenset[str]
    hints: frozenset[str]
    messages: tuple[str, ...] = field(compare=False, default=())
    supergraph: str | None = field(compare=False, default=None)
    seconds: float = field(compare=False, default=0.0)
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan of an operation and the seconds of each round, or the exception of the planner."""

    plan: dict[str, Any] | None
    seconds: tuple[float, ...]
    crash: str = ""


class Peers:
    """A Node process. It starts with the first request, and again after a timeout."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def compose(self, subgraphs: Sequence[Subgraph], seconds: float = TIMEOUT_SECONDS) -> Verdict:
        """Compose with @apollo/composition.

        Raises:
            PeerCrash, PeerTimeout: the peer failed or did not respond.
        """
        payload = [{"name": one.name, "url": one.url, "sdl": one.sdl} for one in subgraphs]
        response = self._request({"compose": payload}, seconds)
        return Verdict(
            response["ok"],
            frozenset(response["codes"]),
            frozenset(response["hints"]),
            tuple(response["messages"]),
            response["supergraph"],
            response["seconds"],
            response["readable"],
        )

    def plan(self, supergraph: str, operation: str, by: Literal["apollo", "apollo-defer", "hive"]) -> dict[str, Any]:
        """Plan the operation with this planner.

        Raises:
            PeerCrash, PeerTimeout: the planner failed or did not respond.
        """
        plan: dict[str, Any] = self._request({"plan": {"supergraph": supergraph, "operation": operation, "by": by}})[
            "plan"
        ]
        return plan

    def printed(self, plan: Mapping[str, Any]) -> str:
        """Print a plan in Apollo's JSON format as Apollo prints it.

        Raises:
            PeerCrash, PeerTimeout: the printer failed or did not respond.
        """
        text: str = self._request({"print": {"plan": plan}})["text"]
        return text

    def plans(
        self,
        supergraph: str,
        operations: Sequence[str],
        by: Literal["apollo", "hive"],
        rounds: int = 1,
        seconds: float = TIMEOUT_SECONDS,
    ) -> list[Planned]:
        """Plan each operation with this planner, so many times.

        Raises:
            PeerCrash, PeerTimeout: the planner failed for the supergraph, or did not respond.
        """
        payload = {"supergraph": supergraph, "operations": operations, "by": by, "rounds": rounds}
        responses = self._request({"plans": payload}, seconds)["plans"]
        return [Planned(one.get("plan"), tuple(one.get("seconds", ())), one.get("crash", "")) for one in responses]

    def diff(self, old: str, new: str, seconds: float = TIMEOUT_SECONDS) -> list[dict[str, Any]]:
        """The changes between two schemas, as @graphql-inspector/core finds them.

        Raises:
            PeerCrash, PeerTimeout: the peer failed or did not respond.
        """
        changes: list[dict[str, Any]] = self._request({"diff": {"old": old, "new": new}}, seconds)["changes"]
        return changes

    def usage_report(self, report: Mapping[str, object]) -> bytes:
        """Encode a usage report with @apollo/usage-reporting-protobuf. Times have `seconds`, numbers are numbers.

        Raises:
            PeerCrash, PeerTimeout: the peer failed or did not respond.
        """
        return base64.b64decode(self._request({"usageReport": {"report": report}})["content"])

    def serve(
        self,
        supergraph: str,
        query: str,
        urls: Mapping[str, str],
        headers: Mapping[str, str],
        variables: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """The GraphQL response of an @apollo/gateway that runs the supergraph over these subgraph URLs.

        Raises:
            PeerCrash, PeerTimeout: the gateway failed or did not respond.
        """
        payload = {"supergraph": supergraph, "query": query, "urls": urls, "headers": headers, "variables": variables}
        response: dict[str, Any] = self._request({"serve": payload})["response"]
        return response

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _request(self, request: Mapping[str, object], seconds: float = TIMEOUT_SECONDS) -> dict[str, Any]:
        process = self._process = self._process or _start_process()
        requests, responses = _pipes(process)
        requests.write(json.dumps(request).encode() + b"\n")
        requests.flush()
        line = self._line(responses, seconds)
        response: dict[str, Any] = json.loads(line)
        if "crash" in response:
            raise PeerCrash(response["crash"])
        return response

    def _line(self, responses: IO[bytes], seconds: float) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(responses, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                if not selector.select(timeout=seconds):
                    self._give_up()
                    raise PeerTimeout(f"no response within {seconds:.0f} s")
                chunk = os.read(responses.fileno(), 1 << 20)
                if not chunk:
                    self._give_up()
                    raise PeerCrash("the process ended")
                self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _give_up(self) -> None:
        self._pending = b""
        self.close()


def _start_process() -> subprocess.Popen[bytes]:
    node = shutil.which("node")
    if node is None:
        raise PeerCrash("Node.js is not installed")
    return subprocess.Popen(
        [node, "--stack-size=4000", str(Path(__file__).with_name("peer.js"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NODE_PATH": str(INSTALLED / "node_modules")},
    )


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise PeerCrash("the process has no pipes")
    return process.stdin, process.stdout


def require_peers(file: Path = INSTALLED / ".installed") -> None:
    """Skip the test where the peers are not installed, or do not have a file yet; in CI, fail it.

    Raises:
        pytest.skip.Exception, pytest.fail.Exception: they are not installed.
    """
    if shutil.which("node") is not None and file.exists():
        return
    reason = "the peers are not installed: `make peers` does it where Node.js is present"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def start_peers() -> Iterator[Peers]:
    """Yield the peers, as the body of a session fixture."""
    require_peers()
    with Peers() as peers:
        yield peers
