"""A plan in, a response out: the reference interpreter, on plain dicts. It is the definition of correct.

Every function names the paragraph of docs/spec/execution.md it carries out, or its module does where that is one. These
are the paragraphs, in the order in which a request meets them and in which the modules are best read:

    §6    the client's variables are coerced before anything is sent     variables
    §3    Executing a fetch                                              interpreter
    §3.1    collect the objects at the fetch's path                      flatten
    §3.2    project what it is told of each: the representation          representations
    §3.3    rewrite representations, let equal ones be one               rewrites, representations
    §3.4    with nothing to tell, nothing is sent                        interpreter
    §3.5    send the operation with the variables it uses                interpreter
    §3.6    rewrite what came, merge it at every place                   rewrites, merge
    §3.7    a fetch starts when what it depends on is merged             schedule, interpreter
    §3.8    a condition looks at coerced variables                       schedule
    §3.9    fetches that share a request are split on arrival            batches, interpreter
    §4    errors get the paths of the client's response                  subgraph_errors, failures, losses
    §5    completion: leaves, types, null where it may be                completion, collect_fields, leaves
    §7    introspection is answered without a subgraph                   introspection

Arguments filled from an ancestor object (`@fromContext`) come between §3.1 and §3.2 (contextual).
"""
