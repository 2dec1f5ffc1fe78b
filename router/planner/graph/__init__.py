"""Build the query graph: which fields each subgraph resolves, and by which keys it resolves entities (planning §2).

All operations with the same active override labels use the same query graph.
"""
