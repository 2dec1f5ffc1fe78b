"""Subgraph schemas -> one supergraph schema (composition §5): a module a kind of element, `supergraph` runs them."""
