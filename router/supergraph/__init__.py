"""Reading a supergraph (composition §8.5, §8.6).

In: supergraph SDL. Out: a `Supergraph` with the merged schema, the API schema and one `SubgraphModel` for each
    subgraph.
Read `model`, then `loading`, then `join_directives`, `subgraph_extraction`, `missing_types`,
`executable_subgraph_schema` and `merged_and_api_schema`.
"""

from router.supergraph.loading import load
from router.supergraph.model import Supergraph

__all__ = ["Supergraph", "load"]
