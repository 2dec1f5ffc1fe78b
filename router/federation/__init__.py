"""The parts of Apollo Federation that composition, contracts and the loading of supergraphs all use.

The modules parse version numbers, field sets, and the links of a schema to specifications. They also contain the
definitions of the specifications. Read them in this order:

- `version_numbers`
- `spec_versions`: the directives and types that each version of each specification defines
- `linked_specs` and `link_directives`: the specifications that a schema links, and the names of their elements in the
  schema
- `field_sets`
- `find_type_name_in_reference`
"""
