"""Merge the subgraphs into one schema (composition §5).

In: subgraphs without errors, sorted by name. Out: a `MergeState` with the supergraph's schema, and errors and hints in
its report. A *source* is one element as a subgraph declares it, *dest* is the merged element.

Reading order: `supergraph` (the steps in their order); `merge_state`; `supergraph_links` and `compose_directive` (the
directives of the supergraph); one file a kind (`object`, `interface`, `union`, `enum`, `input_object`); their parts
(`fields`, `arguments`, `subtypes`, `default_values`, `descriptions`, `applied_directives`); what applies to fields
(`override`, `shareable`, `auth_propagation`); `join_directives`.
"""
