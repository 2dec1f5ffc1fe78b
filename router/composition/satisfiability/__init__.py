"""Check satisfiability: can the subgraphs together resolve every query on the API schema? See composition §9.

The input is a merged supergraph without errors. The check reports the error SATISFIABILITY_ERROR for each field that
cannot be resolved, and the errors and hints of `compare_runtime_types`.

A *position* of an object is a subgraph that can return the object, together with the object's type in this subgraph.
For example, a `Book` in a response of subgraph A has the position (A, `Book`). From this position, the router can reach
the position (B, `Book`) if it can fetch the fields of a key that subgraph B has for `Book`.

A field is *progressive* if an `@override` with a label decides which subgraph resolves the field.

Reading order:

1. `search`: the entry point `check_satisfiability`, which walks over the API schema;
2. `position_graph`: the fields that one subgraph resolves at a position;
3. `reachability`: the positions of the same object in other subgraphs that the router can reach by keys;
4. `reachability_cache_and_cycles`: the cache of `reachability`, which also prevents endless recursion;
5. `override_label_combinations`, `context_selections`, `provided_fields`, `types_lost_by_extraction`: effects of
   directives;
6. `failing_query`, `failure_reasons`, `compare_runtime_types`: the text of errors and hints.
"""
