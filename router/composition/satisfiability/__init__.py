"""Satisfiability: can the subgraphs resolve every query on the API schema? See composition §9.

In: a merged supergraph without errors. Out: SATISFIABILITY_ERROR for each field that cannot be resolved, and the codes
for shared fields whose subgraphs return different types.

A *position* is an object as one subgraph defines it. A field is *progressive* if its `@override` has a label.

Reading order:

1. `search`: the walk over the API schema, and `check_satisfiability`, the entry point;
2. `position_graph`: the positions of an object, and the fields that one subgraph resolves at a position;
3. `reachability`: fetches across subgraphs, from a position to the other positions of the same object;
4. `reachability_cache`: the results that `reachability` has found, and the conditions that it is checking;
5. `override_label_combinations`, `context_selections`, `provided_fields`, `extracted_fields`: the inputs of the graph;
6. `failing_query`, `failure_reasons`, `runtime_types`: the messages.
"""
