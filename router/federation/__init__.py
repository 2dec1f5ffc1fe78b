"""The vocabulary of Apollo Federation, which composition, the supergraph's loader and contracts share.

In: texts and syntax nodes of schemas. Out: versions, links, definitions and field sets. Reading order:
`version_numbers`; `spec_versions` (what each version of each specification defines); `linked_specs` and
`link_directives` (what a schema links, and the names of the elements there); `field_sets`; `type_references`.
"""
