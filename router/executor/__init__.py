"""Execute a query plan and return the client's response.

This package is the reference implementation: its behaviour is the correct one by definition. It works on plain dicts.

`context_and_result` defines the input and the result. Each function or module names the paragraph of
docs/spec/execution.md that it implements. This table lists the modules in the order in which a request passes through
them:

    execution §6    coerce the client's variables                        graphql/variable_coercion
    execution §3    execute a fetch                                      interpreter/execution
      §3.1            collect the objects at the fetch's path            interpreter/objects_at_path
      §3.2            project each object to a representation            interpreter/representations
      §3.3            rewrite representations, merge equal ones          interpreter/rewrites, representations
      §3.4            without representations, send nothing              interpreter/execution
      §3.5            send the operation with its variables              interpreter/execution, graphql_over_http
      §3.6            rewrite the result, merge it into all its objects  interpreter/rewrites, merge
      §3.7            start a fetch when its dependencies are merged     interpreter/requests_in_plan, execution
      §3.8            evaluate conditions on coerced variables           interpreter/requests_in_plan
      §3.9            split the response to several fetches              interpreter/combine_and_split_entity_fetches
    execution §4    give errors their paths in the client's response     errors/
    execution §5    complete leaves, types and nulls                     graphql/completion, collect_fields
    execution §7    resolve introspection without a subgraph             graphql/introspection

`compiled` executes plans by generated code, with the same results (§3.11).

Between §3.1 and §3.2, `interpreter/read_context_values` reads the values of `@fromContext` arguments from the
ancestors of each object (§3.10).

In these modules, a *place* is an object of the response tree together with its path. A *batch* is a request that
contains several entity fetches. Each of these fetches is a *part* of the batch.
"""
