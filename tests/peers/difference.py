"""Where our composition and Apollo's part: verdict, codes, hints and supergraph of the same subgraphs."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition import compose
from tests.router.composition.semantics import supergraph_differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.composition import Composition, Subgraph
    from tests.peers.peers import Peers, Verdict

EXPLAINED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"can be only one argument named"), "GraphQL forbids it; Apollo's composition takes the last value"),
    (re.compile(r"(Enum value|Argument) \S+ can only be defined once"), "GraphQL forbids it; Apollo's merges the two"),
    (re.compile(r"there is no composite type"), "Apollo's composition ignores a type condition on an unknown type"),
    (
        re.compile(r"is a built-in scalar"),
        "told while the subgraph is read; Apollo's composition tells it in the merge",
    ),
)
"""Messages of ours with which we part from Apollo on purpose, and why; an example of each is a case folder."""

# Apollo's about the types that servers print for the gateway: ours takes them out, whatever they look like.
_MACHINERY = re.compile(r"[Tt]ype _(Service|Entity|Any)\b")


@dataclass(frozen=True, slots=True)
class Difference:
    """One set on which the two part. `apollo` and `ours` are what only that side says."""

    kind: str
    apollo: tuple[str, ...]
    ours: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}: only Apollo {list(self.apollo)}, only ours {list(self.ours)}"

    @property
    def signature(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """Equal for differences that likely have one cause; a supergraph's coordinates do not count."""
        if self.kind == "supergraph":
            return (self.kind, (), ())
        return (self.kind, self.apollo, self.ours)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Both answers to one set, and the processor seconds ours took."""

    apollo: Verdict
    ours: Composition
    seconds: float

    def is_explained(self) -> bool:
        if not self.apollo.ok and any(_MACHINERY.search(message) for message in self.apollo.messages):
            return True
        return any(pattern.search(error.message) for error in self.ours.errors for pattern, _ in EXPLAINED)

    def difference(self) -> Difference | None:
        """Where the two part, unless that is explained."""
        parted = self._parted()
        return None if parted is None or self.is_explained() else parted

    def _parted(self) -> Difference | None:
        codes = frozenset(error.code for error in self.ours.errors)
        hints = frozenset(hint.code for hint in self.ours.hints)
        sdl = self.ours.supergraph_sdl
        if (sdl is not None) != self.apollo.ok:
            return _parted("verdict", self.apollo.codes, codes)
        if not self.apollo.readable:
            return _parted("codes", self.apollo.codes, codes) if not self.apollo.codes <= codes else None
        if codes != self.apollo.codes:
            return _parted("codes", self.apollo.codes, codes)
        if sdl is None or self.apollo.supergraph is None:
            return None
        if hints != self.apollo.hints:
            return _parted("hints", self.apollo.hints, hints)
        parted = supergraph_differences(self.apollo.supergraph, sdl)
        return Difference("supergraph", tuple(parted), ()) if parted else None


def _parted(kind: str, apollo: frozenset[str], ours: frozenset[str]) -> Difference:
    return Difference(kind, tuple(sorted(apollo - ours)), tuple(sorted(ours - apollo)))


def compare(peers: Peers, subgraphs: Sequence[Subgraph]) -> Outcome:
    """Compose with both.

    Raises:
        PeerCrash, PeerTimeout: Apollo's composition gave no answer.
    """
    apollo = peers.compose(subgraphs)
    started = time.process_time()
    ours = compose(subgraphs)
    return Outcome(apollo, ours, time.process_time() - started)
