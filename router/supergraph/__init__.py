"""Load a supergraph (composition §8.5, §8.6).

In: supergraph SDL. Out: a `Supergraph`. It contains the merged schema, the API schema (the schema for clients), and one
`SubgraphModel` for each subgraph.

Reading order: `model`, `loading`, `join_directives`, `types_and_fields_by_subgraph`, `subgraph_extraction`,
`fields_without_join_directives`, `check_subgraph_type_references`, `executable_subgraph_schema`,
`merged_and_api_schema`, `schema_facts`. Then, how a supergraph is loaded again without parsing all of it:
`stored_supergraph`, `stored_types`, `types_on_demand`, `subgraphs_on_demand`.
"""

from router.supergraph.loading import load
from router.supergraph.model import Supergraph

__all__ = ["Supergraph", "load"]
