"""Find all options to fetch each leaf field of an operation (planning §6.2). The package `choose` then chooses.

Terms:

- *node*: an object of the response, with its path and its type.
- *option*: a path to the object of a node in one subgraph.
- *key hop*, short *hop*: the step of a path to the same object in another subgraph, by a key and `_entities`. An option
  that ends with this step is also called a hop.
- *direct option*: an option of a node that continues an option of the parent node, in the same subgraph. An
  option at an operation root is also direct.
- *fetch start* of an option: the option at which the fetch of its object begins. If the last step of the option is a
  hop or an operation root, the fetch start is the option itself. Otherwise, the option continues an option of the
  parent node, and has the same fetch start.
- *stage* of a fetch: the number of fetches that must run, one after the other, before this fetch. A fetch from an
  operation root has stage 0.
- *leaf*: a leaf field to fetch for a node, with the options that resolve the field.
- *requirement* of a field: the fields that this field reads by `@requires` or `@fromContext`. The router fetches the
  requirement before the field.
- *internal*: fetched for a key or a requirement, not for the client.

*Method.* The walk follows the operation level by level. The node of an object gets an option for every subgraph that
can return the object. The fields of keys and requirements are planned in the same way.

    a: type Query { item: Item }   type Item @key(fields: "id") { id: ID! name: String }
    b: type Item @key(fields: "id") { id: ID! name: String price: Int }

    { item { name price } }

    node item:    direct option: field in a         hop: into b, by leaf `id` from a; its fetch start is itself
    leaf name:    options: in a, in b               stage 0 and stage 1
    leaf price:   option: in b                      stage 1

Read in this order:

- `nodes_and_options`: the classes of nodes, options and leaves.
- `walk_selections`: the walk from selections to leaves.
- `field_options`: the options that resolve a field.
- `key_hops`: the hops of a node.
- `context_arguments`: the arguments with `@fromContext`.
- `internal_aliases`: the aliases of internal fields.
- `abstract_types`: selections on interfaces and unions.
- `expansion_by_type`: which fields of an interface are selected on each object type instead.
- `deferred_objects`: the objects of deferred fragments.
"""
