"""Subgraph schemas -> one supergraph schema (composition.md §5): a module a kind of element, `supergraph` runs them."""
