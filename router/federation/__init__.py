"""The parts of Apollo Federation that composition, contracts and the loading of supergraphs all use.

The modules read version numbers, links to specifications and field sets from texts and syntax nodes. They also contain
the definitions of the specifications. Reading order:

- `version_numbers`
- `spec_versions`: the directives and types that each version of each specification defines
- `linked_specs` and `link_directives`: the specifications that a schema links, and the names of their elements in the
  schema
- `field_sets`
- `type_references`
"""
