"""Run the phases of composition: read → upgrade → validate → merge → check → satisfiability → print (composition §10).

If a phase finds errors, composition reports all errors of this phase together and stops. There is one exception: if
some subgraphs cannot be read or upgraded, the other subgraphs are still validated. But if a subgraph cannot be read, no
subgraph is upgraded, so only Federation 2 schemas are validated.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.drop_impossible_type_conditions import drop_impossible_conditions
from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
from router.composition.merge.merge_steps import merge
from router.composition.model import Kind, TypeDef
from router.composition.reading.read_subgraph import Subgraph, read_subgraph
from router.composition.report import CompositionError, CompositionHint, Report
from router.composition.rules import check_subgraph
from router.composition.satisfiability.search import check_satisfiability
from router.composition.supergraph_document import supergraph_document
from router.composition.supergraph_printer import print_supergraph
from router.composition.supergraph_rules import API_RULES, EXTRACTION_RULES, FINAL_RULES, SUPERGRAPH_RULES
from router.composition.upgrade import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from graphql.language import DocumentNode

    from router.composition.merge.merge_state import MergeState
    from router.composition.model import SubgraphSchema


@dataclass(frozen=True, slots=True)
class Composition:
    """The result of a composition: a supergraph and hints, or errors. If there are errors, `hints` is empty."""

    supergraph_sdl: str | None
    errors: tuple[CompositionError, ...]
    hints: tuple[CompositionHint, ...]


def compose(subgraphs: Iterable[Subgraph], known: Mapping[Subgraph, SubgraphSchema] | None = None) -> Composition:
    """Compose subgraphs into a supergraph (composition §10).

    `compose` does not raise an exception. Each problem of the schemas is an error in the result. The result does not
    depend on the order of the subgraphs.

    Args:
        subgraphs: The subgraphs.
        known: The result of `read_valid` for some of the subgraphs. Composition changes these schemas, so they are of
            use only once.
    """
    return _compose(subgraphs, known or {})[0]


def compose_with_document(
    subgraphs: Iterable[Subgraph], known: Mapping[Subgraph, SubgraphSchema] | None = None
) -> tuple[Composition, DocumentNode | None]:
    """Compose as `compose` does. Also return the syntax tree of the supergraph (`supergraph_document`).

    There is no tree if the composition fails, or if types are nested too deeply.
    """
    composition, state = _compose(subgraphs, known or {})
    if state is None:
        return composition, None
    try:
        return composition, supergraph_document(state)
    except RecursionError:
        return composition, None


def read_valid(subgraphs: Iterable[Subgraph]) -> dict[Subgraph, SubgraphSchema]:
    """Read and validate subgraphs as `compose` does. Return the schemas of those that have no errors and no hints.

    A process that reads the subgraphs of two compositions, and then forks, need not read the common subgraphs twice.
    """
    known = {}
    for subgraph in subgraphs:
        report = Report()
        try:
            schema = read_subgraph(subgraph, report)
            if schema is not None and schema.is_federation_2:
                _validate([schema], report)
        except RecursionError:
            # `compose` reads the subgraph again, and reports the error.
            continue
        if schema is not None and not report.errors and not report.hints:
            known[subgraph] = schema
    return known


def _compose(
    subgraphs: Iterable[Subgraph], known: Mapping[Subgraph, SubgraphSchema]
) -> tuple[Composition, MergeState | None]:
    report = Report()
    ordered = sorted(subgraphs, key=lambda subgraph: subgraph.name)
    state, sdl = None, None
    try:
        state = _merge(ordered, known, report)
        sdl = None if state is None else print_supergraph(state)
    except RecursionError:
        report.error("INVALID_GRAPHQL", "The schemas are nested too deeply to be composed.")
    if report.failed():
        # A composition that fails has no hints. Apollo's composition does the same.
        return Composition(None, tuple(report.errors), ()), None
    return Composition(sdl, tuple(report.errors), tuple(report.hints)), state


def _merge(
    subgraphs: Sequence[Subgraph], known: Mapping[Subgraph, SubgraphSchema], report: Report
) -> MergeState | None:
    """Run the phases before the printing. Return None if errors were reported."""
    schemas = _read(subgraphs, known, report)
    valid = {id(schema) for schema in known.values()}
    # Federation 1 schemas are validated after their upgrade.
    _validate([schema for schema in schemas if schema.is_federation_2 and id(schema) not in valid], report)
    if not report.failed():
        _validate(upgrade(schemas, report), report)
    if report.failed():
        return None
    for schema in schemas:
        # A subgraph without a query root gets one, because every subgraph has at least the root field `_service`.
        schema.types.setdefault("Query", TypeDef("Query", kind=Kind.OBJECT))
    state = merge(_metadata(schemas), report)
    for rules in (SUPERGRAPH_RULES, FINAL_RULES, API_RULES, EXTRACTION_RULES):
        for rule in rules if not report.failed() else ():
            rule(state)
    if not report.failed():
        check_satisfiability(state)
    return None if report.failed() else state


def _read(
    subgraphs: Sequence[Subgraph], known: Mapping[Subgraph, SubgraphSchema], report: Report
) -> list[SubgraphSchema]:
    for name, count in Counter(subgraph.name for subgraph in subgraphs).items():
        if count > 1:
            report.error("INVALID_SUBGRAPH_NAME", f'There are {count} subgraphs with the name "{name}".')
    if not subgraphs:
        report.error("NO_QUERIES", "There is nothing to compose: no subgraphs were given.")
    schemas = (known.get(subgraph) or read_subgraph(subgraph, report) for subgraph in subgraphs)
    return [schema for schema in schemas if schema is not None]


def _metadata(schemas: Iterable[SubgraphSchema]) -> list[SubgraphMetadata]:
    subgraphs = [SubgraphMetadata(schema) for schema in schemas]
    for subgraph in subgraphs:
        drop_impossible_conditions(subgraph)
    return subgraphs


def _validate(schemas: Sequence[SubgraphSchema], report: Report) -> None:
    for schema in schemas:
        check_subgraph(SubgraphMetadata(schema), report)
