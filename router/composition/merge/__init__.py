"""Merge the subgraphs into one schema (composition §5).

In: subgraphs without errors, sorted by name. Out: a `MergeState` with the supergraph's schema, and errors and hints in
its report. A *source* is one element as a subgraph declares it, *dest* is the merged element.

Reading order: `merge_steps` (the steps in their order); `merge_state`; `supergraph_features` and `compose_directive`
(the directives of the supergraph); one file for each kind of type (`object`, `interface`, `union`, `enum`,
`input_object`); their parts (`fields`, `arguments`, `type_references`, `default_values`, `descriptions`,
`applied_directives`); directives that change fields (`override`, `shareable`, `auth_propagation`); `join_directives`.
"""
