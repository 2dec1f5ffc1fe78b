"""A plan in, a response out: the reference interpreter, on plain dicts. It defines the correct behaviour.

`context` has the input and the result. Every function or module names the paragraph of docs/spec/execution.md that it
carries out. These are the paragraphs, in the order in which a request meets them and in which to read the modules:

    execution §6    coerce the client's variables                        graphql/variable_coercion
    execution §3    execute a fetch                                      interpreter/execution
      §3.1            collect the objects at the fetch's path            interpreter/flatten
      §3.2            project each object to a representation            interpreter/representations
      §3.3            rewrite representations, merge equal ones          interpreter/rewrites, representations
      §3.4            without representations, send nothing              interpreter/execution
      §3.5            send the operation with its variables              interpreter/execution, graphql_over_http
      §3.6            rewrite the result, merge it at every place        interpreter/rewrites, merge
      §3.7            start a fetch when its dependencies are merged     interpreter/schedule, execution
      §3.8            evaluate conditions on coerced variables           interpreter/schedule
      §3.9            split the response of fetches in one request       interpreter/batch_response
    execution §4    give errors their paths in the client's response     errors/
    execution §5    complete leaves, types and nulls                     graphql/completion, collect_fields
    execution §7    resolve introspection without a subgraph             graphql/introspection

Arguments from an ancestor object (`@fromContext`) are read between §3.1 and §3.2 (interpreter/context_values).
"""
