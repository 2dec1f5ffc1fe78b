"""The parts of Apollo Federation that composition, contracts and the loading of supergraphs all use.

In: texts and syntax nodes of schemas. Out: version numbers, links to specifications, definitions of specifications, and
field sets. Reading order:

- `version_numbers`
- `spec_versions`: the directives and types that each version of each specification defines
- `linked_specs` and `link_directives`: the specifications that a schema links, and the names of their elements in the
  schema
- `field_sets`
- `type_references`
"""
