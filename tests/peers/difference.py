"""Where our composition and Apollo's part: verdict, codes, hints and supergraph of the same subgraphs."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from graphql import parse, validate

from router.composition import compose
from router.supergraph import load
from tests.peers.peers import PeerCrash
from tests.router.composition.semantics import supergraph_differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router.composition import Composition, Subgraph
    from router.composition.report import CompositionError
    from tests.peers.peers import Peers, Verdict


# The query that an error of ours shows, and what stands for "whatever there is to select".
_SHOWN = re.compile(r"^  (query|mutation|subscription) \{$.*?^  \}$", re.MULTILINE | re.DOTALL)
_MORE = re.compile(r"^ *\.\.\.$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Deviation:
    """A way in which we part from Apollo on purpose. `case` is the case folder that shows it.

    `ours` is what our messages or our supergraph then have, None for what is never generated; `in_apollos` is what
    Apollo's supergraph must have besides.
    """

    case: str
    kinds: tuple[str, ...]
    ours: re.Pattern[str] | None
    apollo: str
    why: str
    in_apollos: re.Pattern[str] | None = None

    def covers(self, difference: Difference, composition: Composition, apollo: Verdict) -> bool:
        """Whether this is what the difference is about: it is of the kind, and ours says the message."""
        if self.ours is None:
            return False
        if self.in_apollos is not None and not self.in_apollos.search(apollo.supergraph or ""):
            return False
        told = (*(error.message for error in composition.errors), composition.supergraph_sdl or "")
        return difference.kind in self.kinds and any(self.ours.search(text) for text in told)


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        "requires_fragment_on_other_type_of_interface",
        ("codes",),
        re.compile(r"for @(requires|provides)\(.*: a \S+ can never be a \S+\.", re.DOTALL),
        "says that no query for the field that requires it can be satisfied",
        "what can never be is told where it is written",
    ),
    Deviation(
        "provides_on_one_path_hides_another",
        ("unplannable",),
        re.compile(r"@provides gives it on other paths only"),
        "composes if the path that provides the field is looked at first: an object seen once in the same subgraphs is "
        "not looked at again, whatever was provided then. With the fields in another order it is its error as well",
        "the query that the error shows cannot be planned, by Hive's planner neither, and Apollo's asks the subgraph "
        "that says it cannot resolve it. The order of fields does not count",
    ),
    Deviation(
        "shared_mutation_hides_query",
        ("unplannable",),
        re.compile(r"^  (query|subscription) \{$", re.MULTILINE),
        "composes, if what the query reaches is also returned by a mutation field of several subgraphs, one of which "
        "can do all: what it saw of the others, where it failed, counts as looked at",
        "the query that the error shows cannot be planned, by Apollo's planner neither",
        re.compile(r"^type Mutation\n(  @join__type\(.*\)\n){2}", re.MULTILINE),
    ),
    Deviation(
        "provides_on_one_path_hides_another_below",
        ("unplannable",),
        re.compile(""),
        "composes for one of the two reasons above, further below",
        "the query that the error shows cannot be planned, by Apollo's or Hive's planner neither",
    ),
    Deviation(
        "key_fragment_on_type_of_other_subgraph",
        ("supergraph",),
        re.compile(r"\.\.\. \{"),
        "leaves the condition in the supergraph, where its type need not exist or is never met",
        "no supergraph refers to types that are not there; without its condition the fragment means what Apollo takes "
        "it for, and other routers do too",
    ),
    Deviation(
        "directive_with_wrong_value_in_key",
        ("codes",),
        re.compile(r"directives are not allowed here"),
        "finds the value of the directive's argument wrong",
        "no directive may stand there, whatever the values of its arguments",
    ),
    Deviation(
        "connect_versions_in_order",
        ("supergraph",),
        re.compile(r'connect/v0\.4", for: EXECUTION'),
        "links a preview of connectors if a subgraph that comes first links it, not if a later one does",
        "the order of the subgraphs does not count",
    ),
    Deviation(
        "authenticated_linked_by_itself",
        ("supergraph",),
        None,
        "an interface does not get the requirements of its implementations if they come with a link of their own",
        "who asks through the interface must meet them too",
    ),
    Deviation(
        "context_of_two_values_below",
        ("verdict",),
        None,
        "composes, if several fields that are selected below the first one are of one type",
        "an argument takes one value",
    ),
)
"""All of them. A set that one covers is told apart from those that agree, and from those that differ."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One set on which the two part. `apollo` and `ours` are what only that side says.

    A verdict is `unplannable` if Apollo's composes what its own or Hive's planner cannot plan: each query that our
    errors show.
    """

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
    is_unplannable: bool = False

    def deviation(self) -> Deviation | None:
        """The row that a difference falls under."""
        parted = self.difference()
        if parted is None:
            return None
        return next((row for row in DEVIATIONS if row.covers(parted, self.ours, self.apollo)), None)

    def difference(self) -> Difference | None:
        """Where the two part, on purpose or not."""
        codes = frozenset(error.code for error in self.ours.errors)
        hints = frozenset(hint.code for hint in self.ours.hints)
        sdl = self.ours.supergraph_sdl
        if (sdl is not None) != self.apollo.ok:
            return _parted("unplannable" if self.is_unplannable else "verdict", self.apollo.codes, codes)
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
    seconds = time.process_time() - started
    is_refused = ours.supergraph_sdl is None and apollo.supergraph is not None
    return Outcome(apollo, ours, seconds, is_refused and is_unplannable(peers, apollo.supergraph or "", ours.errors))


def is_unplannable(peers: Peers, supergraph: str, errors: Sequence[CompositionError]) -> bool:
    """Whether all errors of ours show valid queries of Apollo's supergraph that its or Hive's planner cannot plan."""
    return all(
        (found := _SHOWN.search(error.message)) is not None and _has_no_plan(peers, supergraph, found[0])
        for error in errors
    )


def _has_no_plan(peers: Peers, supergraph: str, shown: str) -> bool:
    query = _MORE.sub("__typename", shown)
    if validate(load(supergraph).api_schema, parse(query)):
        return False
    # Where one subgraph has all of an operation's fields, Apollo's asks it also for those it says it cannot resolve.
    return any(_fails(peers, supergraph, query, planner) for planner in ("apollo", "hive"))


def _fails(peers: Peers, supergraph: str, query: str, planner: Literal["apollo", "hive"]) -> bool:
    try:
        peers.plan(supergraph, query, planner)
    except PeerCrash:
        return True
    return False
