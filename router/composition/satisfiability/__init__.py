"""Satisfiability (composition §9): can every query on the API schema be resolved by the subgraphs?

`graph` knows what each subgraph resolves and how one moves between them, `search` walks the API schema over it,
`witness` prints the shortest query that fails and `reasons` says why each subgraph could not go on.
"""
