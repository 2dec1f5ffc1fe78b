"""The vocabulary of Apollo Federation, which composition, the supergraph's loader and contracts share.

In: texts and syntax nodes of schemas. Out: versions, links, definitions and field sets. Reading order: `versions`;
`specs` (what each version of each specification defines); `links` and `link_directives` (what a schema links, and the
names of the elements there); `field_sets`; `type_names`.
"""
