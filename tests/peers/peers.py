"""Other implementations of federation, held open as one Node process behind a pipe (`peer.js` speaks for them).

`make peers` installs them; they are never part of the product. A test asks for the fixture `peers` of its conftest.
"""

from __future__ import annotations

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
# A federation that a test may ask about is composed in well under a second; Apollo's search can run away.
ANSWER_SECONDS = 20.0


class PeerCrash(Exception):
    """The peer threw where it should have answered; the text is what it threw."""


class PeerTimeout(Exception):
    """The peer did not answer in time and was ended; the next question goes to a new process."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Apollo's composition says.

    `messages` are those of the errors, or of the hints if there are none. Syntax errors (not `readable`) are found
    before its composition is asked, one subgraph after the other.
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
    """One operation's plan and the seconds of each round, or what the planner threw."""

    plan: dict[str, Any] | None
    seconds: tuple[float, ...]
    crash: str = ""


class Peers:
    """One Node process, started at the first question and again after one that was not answered."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def compose(self, subgraphs: Sequence[Subgraph], seconds: float = ANSWER_SECONDS) -> Verdict:
        """Compose with @apollo/composition.

        Raises:
            PeerCrash, PeerTimeout: instead of an answer.
        """
        asked = [{"name": one.name, "url": one.url, "sdl": one.sdl} for one in subgraphs]
        answer = self._ask({"compose": asked}, seconds)
        return Verdict(
            answer["ok"],
            frozenset(answer["codes"]),
            frozenset(answer["hints"]),
            tuple(answer["messages"]),
            answer["supergraph"],
            answer["seconds"],
            answer["readable"],
        )

    def plan(self, supergraph: str, operation: str, by: Literal["apollo", "apollo-defer", "hive"]) -> dict[str, Any]:
        """Load the supergraph into that planner, and plan the operation.

        Raises:
            PeerCrash, PeerTimeout: instead of a plan.
        """
        plan: dict[str, Any] = self._ask({"plan": {"supergraph": supergraph, "operation": operation, "by": by}})["plan"]
        return plan

    def printed(self, plan: Mapping[str, Any]) -> str:
        """A plan in Apollo's JSON as the text Apollo makes of it.

        Raises:
            PeerCrash, PeerTimeout: instead of a text.
        """
        text: str = self._ask({"print": {"plan": plan}})["text"]
        return text

    def plans(
        self,
        supergraph: str,
        operations: Sequence[str],
        by: Literal["apollo", "hive"],
        rounds: int = 1,
        seconds: float = ANSWER_SECONDS,
    ) -> list[Planned]:
        """The plan of each operation by that planner, planned so many times.

        Raises:
            PeerCrash, PeerTimeout: the supergraph is not taken, or there was no answer at all.
        """
        asked = {"supergraph": supergraph, "operations": operations, "by": by, "rounds": rounds}
        answers = self._ask({"plans": asked}, seconds)["plans"]
        return [Planned(one.get("plan"), tuple(one.get("seconds", ())), one.get("crash", "")) for one in answers]

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
            PeerCrash, PeerTimeout: instead of a response.
        """
        asked = {"supergraph": supergraph, "query": query, "urls": urls, "headers": headers, "variables": variables}
        response: dict[str, Any] = self._ask({"serve": asked})["response"]
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

    def _ask(self, question: Mapping[str, object], seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
        process = self._process = self._process or _started()
        questions, answers = _pipes(process)
        questions.write(json.dumps(question).encode() + b"\n")
        questions.flush()
        line = self._line(answers, seconds)
        answer: dict[str, Any] = json.loads(line)
        if "crash" in answer:
            raise PeerCrash(answer["crash"])
        return answer

    def _line(self, answers: IO[bytes], seconds: float) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(answers, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                if not selector.select(timeout=seconds):
                    self._give_up()
                    raise PeerTimeout(f"no answer within {seconds:.0f} s")
                chunk = os.read(answers.fileno(), 1 << 20)
                if not chunk:
                    self._give_up()
                    raise PeerCrash("the process ended")
                self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _give_up(self) -> None:
        self._pending = b""
        self.close()


def _started() -> subprocess.Popen[bytes]:
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


def require_peers() -> None:
    """Skip the test where the peers are not installed; in CI, fail it.

    Raises:
        pytest.skip.Exception, pytest.fail.Exception: they are not.
    """
    if shutil.which("node") is not None and (INSTALLED / ".installed").exists():
        return
    reason = "the peers are not installed: `make peers` does it where Node.js is present"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def opened() -> Iterator[Peers]:
    """The body of a session fixture."""
    require_peers()
    with Peers() as peers:
        yield peers
