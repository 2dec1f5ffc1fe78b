"""Satisfiability: can the subgraphs resolve every query on the API schema? See composition §9.

In: a merged supergraph without errors. Out: SATISFIABILITY_ERROR for each field that cannot be resolved, and the codes
for shared fields whose subgraphs return different types.

Reading order:

1. `search`: the walk over the API schema, and `check_satisfiability`, the entry point;
2. `graph`: positions, and what a subgraph resolves at a position by itself;
3. `reachability`: fetches across subgraphs, from a position to the other positions of the same object;
4. `memory`: the results that `reachability` keeps, and the questions that it is answering right now;
5. `override_labels`, `context_selections`, `provided_fields`, `extracted_subgraphs`: the inputs of the graph;
6. `failing_query`, `failure_reasons`, `runtime_types`: the messages.
"""
