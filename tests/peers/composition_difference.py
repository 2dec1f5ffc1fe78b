"""Differences between our composition and Apollo's: verdict, codes, hints and supergraph of the same subgraphs."""

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


# The query that our error shows, and the line in it that means "some selection".
_SHOWN = re.compile(r"^  (query|mutation|subscription) \{$.*?^  \}$", re.MULTILINE | re.DOTALL)
_MORE = re.compile(r"^ *\.\.\.$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Deviation:
    """A difference that is intended.

    Attributes:
        case: The case folder that shows it.
        kinds: The kinds of differences that it explains.
        ours: What our messages, hints or our supergraph have; None if generated sets never show it.
        apollo: What Apollo's composition does.
        why: The reason for our result.
        in_apollos: What Apollo's supergraph must have, too.
    """

    case: str
    kinds: tuple[str, ...]
    ours: re.Pattern[str] | None
    apollo: str
    why: str
    in_apollos: re.Pattern[str] | None = None

    def covers(self, difference: CompositionDifference, composition: Composition, apollo: Verdict) -> bool:
        """Whether it explains the difference: the kind is one of its kinds, and our result has its text."""
        if self.ours is None:
            return False
        if self.in_apollos is not None and not self.in_apollos.search(apollo.supergraph or ""):
            return False
        messages = [error.message for error in composition.errors] + [hint.message for hint in composition.hints]
        texts = (*messages, composition.supergraph_sdl or "")
        return difference.kind in self.kinds and any(self.ours.search(text) for text in texts)


DEVIATIONS: tuple[Deviation, ...] = (
    Deviation(
        "requires_fragment_on_other_type_of_interface",
        ("codes",),
        re.compile(r"for @(requires|provides)\(.*: a \S+ can never be a \S+\.", re.DOTALL),
        "reports that no query for the field that requires it can be satisfied",
        "an impossible condition is reported where it is written",
    ),
    Deviation(
        "provides_on_one_path_hides_another",
        ("unplannable",),
        re.compile(r"@provides makes it resolvable on other paths only"),
        "composes if the path that provides the field is explored first: an object that was seen in the same subgraphs "
        "is not explored again, whatever was provided there. With the fields in another order it reports the error too",
        "the query that the error shows cannot be planned: Hive's planner fails, and Apollo's sends it to a subgraph "
        "that cannot resolve it. The order of fields does not matter",
    ),
    Deviation(
        "shared_mutation_hides_query",
        ("unplannable",),
        re.compile(r"^  (query|subscription) \{$", re.MULTILINE),
        "composes if a mutation field of several subgraphs returns the same objects as the query, and one of the "
        "subgraphs resolves everything: the objects of the others, where it failed, count as explored",
        "Apollo's planner cannot plan the query that the error shows either",
        re.compile(r"^type Mutation\n(  @join__type\(.*\)\n){2}", re.MULTILINE),
    ),
    Deviation(
        "provides_on_one_path_hides_another_below",
        ("unplannable",),
        re.compile(""),
        "composes for one of the two reasons above, further below",
        "neither Apollo's nor Hive's planner can plan the query that the error shows",
    ),
    Deviation(
        "key_fragment_on_type_of_other_subgraph",
        ("supergraph",),
        re.compile(r"\.\.\. \{"),
        "leaves the condition in the supergraph, where its type need not exist or never applies",
        "a supergraph must not refer to types that do not exist; without the condition, the fragment means what "
        "Apollo's and other routers read in it",
    ),
    Deviation(
        "directive_with_wrong_value_in_key",
        ("codes",),
        re.compile(r"directives are not allowed here"),
        "reports the value of the directive's argument",
        "no directive is allowed there, whatever its arguments are",
    ),
    Deviation(
        "unknown_federation_version_beside_its_imports",
        ("codes",),
        re.compile(r"Federation v\S+ is not known; the versions known are"),
        "reports the directives that are imported from the unknown version too, or only its types",
        "the version is the one mistake",
    ),
    Deviation(
        "connect_versions_in_order",
        ("supergraph",),
        re.compile(r'connect/v0\.4", for: EXECUTION'),
        "links a preview of connectors only if the first subgraph that links connectors links the preview",
        "the order of the subgraphs does not matter",
    ),
    Deviation(
        "authenticated_linked_by_itself",
        ("supergraph",),
        None,
        "an interface does not get the requirements of its implementations if they come with their own link",
        "a client that uses the interface must meet them too",
    ),
    Deviation(
        "two_interface_objects_of_one_entity",
        ("verdict", "hints"),
        re.compile(r"graph: (\w+), [^\n]*isInterfaceObject: true.*graph: \1, [^\n]*isInterfaceObject: true", re.DOTALL),
        "enters a subgraph as one interface only, the last by name, and reports that fields of the others cannot be "
        "resolved; if an interface returns the object it composes, but its planner fails",
        "our planner enters the subgraph as each interface, in one fetch each",
    ),
    Deviation(
        "key_with_field_of_its_own_subgraph",
        ("verdict", "hints"),
        re.compile("but Apollo's query planner cannot"),
        "fetches the fields of a key without the subgraph that the key leads to",
        "our planner fetches a key's fields from that subgraph too, by another key; a hint says that others cannot",
    ),
    Deviation(
        "federation_1_key_not_resolvable_without_quotes",
        ("supergraph",),
        re.compile("resolvable: false"),
        "drops `resolvable: false` of a Federation 1 key whose fields are not written as a string",
        "the subgraph says that it cannot resolve the entity",
    ),
    Deviation(
        "context_of_two_values_below",
        ("verdict",),
        None,
        "composes if several fields below the first selected one have one type",
        "an argument takes one value",
    ),
    Deviation(
        "tag_on_removed_type",
        ("supergraph",),
        None,
        "links `@tag` if only types that it removes have it, such as `_Any` or `_FieldSet`",
        "a supergraph declares the directives that it uses",
    ),
)
"""All intended differences. A report counts the sets that they explain separately."""


@dataclass(frozen=True, slots=True)
class CompositionDifference:
    """One set with different results. `apollo` and `ours` are the codes that only one side reports.

    A verdict is `unplannable` if Apollo's composition accepts a set, although its own planner or Hive's cannot plan any
    query that our errors show.
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
class CompositionComparison:
    """Both results for one set, and the processor seconds of ours."""

    apollo: Verdict
    ours: Composition
    seconds: float
    is_unplannable: bool = False

    def deviation(self) -> Deviation | None:
        """The intended difference that explains the difference, if there is one."""
        difference = self.difference()
        if difference is None:
            return None
        return next((row for row in DEVIATIONS if row.covers(difference, self.ours, self.apollo)), None)

    def difference(self) -> CompositionDifference | None:
        """The difference, intended or not."""
        codes = frozenset(error.code for error in self.ours.errors)
        hints = frozenset(hint.code for hint in self.ours.hints)
        sdl = self.ours.supergraph_sdl
        if (sdl is not None) != self.apollo.ok:
            return _difference("unplannable" if self.is_unplannable else "verdict", self.apollo.codes, codes)
        if not self.apollo.readable:
            return _difference("codes", self.apollo.codes, codes) if not self.apollo.codes <= codes else None
        if codes != self.apollo.codes:
            return _difference("codes", self.apollo.codes, codes)
        if sdl is None or self.apollo.supergraph is None:
            return None
        if hints != self.apollo.hints:
            return _difference("hints", self.apollo.hints, hints)
        found = supergraph_differences(self.apollo.supergraph, sdl)
        return CompositionDifference("supergraph", tuple(found), ()) if found else None


def _difference(kind: str, apollo: frozenset[str], ours: frozenset[str]) -> CompositionDifference:
    return CompositionDifference(kind, tuple(sorted(apollo - ours)), tuple(sorted(ours - apollo)))


def compare(peers: Peers, subgraphs: Sequence[Subgraph]) -> CompositionComparison:
    """Compose with both.

    Raises:
        PeerCrash, PeerTimeout: Apollo's composition returned no result.
    """
    apollo = peers.compose(subgraphs)
    started = time.thread_time()
    ours = compose(subgraphs)
    seconds = time.thread_time() - started
    only_ours_fails = ours.supergraph_sdl is None and apollo.supergraph is not None
    return CompositionComparison(
        apollo, ours, seconds, only_ours_fails and is_unplannable(peers, apollo.supergraph or "", ours.errors)
    )


def is_unplannable(peers: Peers, supergraph: str, errors: Sequence[CompositionError]) -> bool:
    """Whether each of our errors shows a valid query on Apollo's supergraph that its or Hive's planner cannot plan."""
    queries = [shown_query(error.message) for error in errors]
    return all(query and _has_no_plan(peers, supergraph, query) for query in queries)


def shown_query(message: str) -> str:
    """The query that a message shows, with `__typename` for the rest; empty if it shows none."""
    found = _SHOWN.search(message)
    return "" if found is None else _MORE.sub("__typename", found[0])


def _has_no_plan(peers: Peers, supergraph: str, query: str) -> bool:
    if validate(load(supergraph).api_schema, parse(query)):
        return False
    # If one subgraph has all fields of an operation, Apollo's planner fetches even those that it cannot resolve there.
    return any(_fails(peers, supergraph, query, planner) for planner in ("apollo", "hive"))


def _fails(peers: Peers, supergraph: str, query: str, planner: Literal["apollo", "hive"]) -> bool:
    try:
        peers.plan(supergraph, query, planner)
    except PeerCrash:
        return True
    return False
