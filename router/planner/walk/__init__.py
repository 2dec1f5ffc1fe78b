"""The walk: for each leaf of an operation, all options by which it can be fetched (planning §6.2).

In come the selections on an operation root and the query graph; out come leaves with options. Nothing is chosen here.

*Problem.* A field can be resolved by several subgraphs, and each is reached on a path: from an operation root through
fields, or by a key that must be fetched first. Plans differ in these paths.

*Method.* The operation is followed level by level. The node of an object has an option for every subgraph that has the
object: *direct* options come from options of the object around it, *hops* enter another subgraph by a key. The fields
of a key are planned like any other selection; only the client does not see them.

    a: type Query { item: Item }   type Item @key(fields: "id") { id: ID! name: String }
    b: type Item @key(fields: "id") { id: ID! name: String price: Int }

    { item { name price } }

    node item:    direct    FIELD in a              hop    HOP into b, which needs leaf `id` from FIELD in a
    leaf name:    options   FIELD in a, HOP in b           stage 0 and stage 1
    leaf price:   options   HOP in b                       stage 1

`choose` then decides for `name`: `b` is asked anyway, but `a` is asked first.

Read in this order:

- `nodes_and_options`: the states of the search.
- `explorer`: selections to leaves.
- `field_options`: which options resolve a field.
- `key_hops`: options behind keys, and behind requirements with `context_arguments` and `internal_aliases`.
- `abstract_types`: selections on interfaces and unions.
- `deferred_objects`: objects of deferred fragments.
"""
