"""Read the schema of one subgraph (composition §1, §2, §4).

In: the text of a subgraph. Out: its `SubgraphSchema`, or errors in the report. Start with `read_subgraph` (the steps).
SDL to definitions: `schema_limits`, `lenient_sdl_parser`, `subgraph_document`. Definitions that other tools accept:
`mixed_extension_kinds`, `string_enum_defaults`. Definitions of linked specifications: `renamed_spec_definitions`,
`add_spec_definitions`. Errors: `unknown_references`, `graphql_rules`. Definitions to schema records:
`spec_directive_names`, `schema_builder`, `unknown_type_conditions`.

An *element* is a directive or type of a specification; a schema can rename it in `@link(import:)`. A *block* is one
definition or extension of a type.
"""
