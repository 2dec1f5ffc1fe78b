"""The query graph: which fields each subgraph resolves and which keys lead into a subgraph (planning §2).

It is the same for all operations with the same active override labels.
"""
