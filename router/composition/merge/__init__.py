"""Merge the subgraphs into one schema (composition §5).

The input is the subgraphs, sorted by name. The earlier phases found no errors in them. The result is a `MergeState`
with the schema of the supergraph. The merge adds errors and hints to `MergeState.report`.

An *element* is anything that can have a directive, such as a type, a field or an argument. A *source* is the
declaration of an element in one subgraph. `dest` is the merged element in the supergraph.

Reading order:

1. `merge_steps`: all steps in order; `merge_state`: the data that the steps read and write;
2. `supergraph_directives_and_links`, `compose_directive`: the directives of the supergraph;
3. `object`, `interface`, `union`, `enum`, `input_object`: the kinds of types;
4. `fields`, `arguments`, `type_references`, `default_values`, `descriptions`, `applied_directives`: what types contain;
5. `check_external_declarations`, `resolve_overrides`, `check_shareable`, `copy_interface_object_fields`,
   `auth_propagation`: the federation directives;
6. `join_directives`: the `@join__*` directives, which record what each subgraph declares.
"""
