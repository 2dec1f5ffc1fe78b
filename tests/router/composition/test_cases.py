"""Cases in which ours and Apollo's composition disagreed, found by differential fuzzing and reduced.

A folder has `subgraphs/*.graphql`, `expect.json` with the result of Apollo's composition and, if the subgraphs compose,
`supergraph.graphql`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.composition import Subgraph, compose
from tests.peers import composition_difference
from tests.router.composition.semantics import supergraph_differences

CASES = Path(__file__).parents[2] / "cases" / "composition"

NOT_GRAPHQL = "GraphQL forbids the value, whatever it may mean"
OTHER_RULE = "both report an error: the subgraphs break several rules, and we report another one"

DEVIATIONS = {row.case: row.why for row in composition_difference.DEVIATIONS} | {
    "connectors_linked_at_odd_address": OTHER_RULE,
    "context_selection_beside_wrong_argument": OTHER_RULE,
    "core_linked_twice_beside_unknown_directive": OTHER_RULE,
    "description_of_empty_query_root": "a type without fields is not a type of its subgraph",
    "extension_without_base_and_wrong_argument": OTHER_RULE,
    "import_of_nothing_beside_core": OTHER_RULE,
    "import_with_core_beside_unknown_directive": OTHER_RULE,
    "key_fragment_on_other_type": "a condition that never applies is not in the supergraph, as routers would apply it",
    "key_fragment_on_other_type_entered_by": "the same",
    "key_fragment_on_other_type_in_another": "the same",
    "link_linked_by_unknown_directive": OTHER_RULE,
    "link_on_object_beside_core": OTHER_RULE,
    "link_under_alias_that_is_no_name": OTHER_RULE,
    "shared_field_of_no_common_type_beside_unresolvable_one": "the second query cannot be resolved either",
    "boolean_argument_written_as_number": NOT_GRAPHQL,
    "circular_default_values": NOT_GRAPHQL,
    "default_beyond_32_bits": NOT_GRAPHQL,
    "key_with_resolvable_null": "a null is read as the default value, which is not written",
    "list_as_default_of_input_object": NOT_GRAPHQL,
    "list_size_of_one_slicing_argument_without_brackets": "a single value is a list of one item",
    "list_size_of_one_sized_field_without_brackets": "the same",
    "newer_composed_directive_forbids_null": NOT_GRAPHQL,
    "null_for_required_argument_of_directive": NOT_GRAPHQL,
    "null_url_of_specification": NOT_GRAPHQL,
    "subgraph_name_without_latin_letters": "a subgraph may have any name; its value in `join__Graph` gets a prefix",
    "unused_purpose_of_core": "a subgraph cannot use a type of a specification",
    "unused_purpose_of_core_beside_executable_directive": "the same",
}
"""Case → why our result is better, or why it cannot be that of Apollo's composition, which is in the case's folder."""


@pytest.mark.parametrize("name", sorted(folder.parent.name for folder in CASES.glob("*/expect.json")))
def test_the_result_is_the_recorded_one(name: str) -> None:
    problem = _difference(CASES / name)
    assert (problem is not None) == (name in DEVIATIONS), problem


def _difference(folder: Path) -> str | None:
    composition = compose(subgraphs_of(folder))
    expected = json.loads((folder / "expect.json").read_text(encoding="utf-8"))
    result = {
        "ok": composition.supergraph_sdl is not None,
        "codes": sorted({error.code for error in composition.errors}),
        "hints": sorted({hint.code for hint in composition.hints}) if not composition.errors else [],
    }
    if result != expected:
        return f"{result}, expected {expected}: {[error.message for error in composition.errors]}"
    recorded = folder / "supergraph.graphql"
    if composition.supergraph_sdl is None or not recorded.exists():
        return None
    parted = supergraph_differences(recorded.read_text(encoding="utf-8"), composition.supergraph_sdl)
    return "\n".join(parted) or None


def subgraphs_of(folder: Path) -> list[Subgraph]:
    return [
        Subgraph(file.stem, f"http://{file.stem}.test", file.read_text(encoding="utf-8"))
        for file in sorted((folder / "subgraphs").glob("*.graphql"))
    ]
