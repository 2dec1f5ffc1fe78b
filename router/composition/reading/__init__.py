"""Read the schema of one subgraph (composition §1, §2, §4).

In: the text of a subgraph. Out: its `SubgraphSchema`, or errors in the report. Reading order: `subgraph` (the steps);
`schema_limits`, `sdl_parser`, `subgraph_document` (text to definitions); `extension_kinds`, `string_enum_defaults`
(definitions that other tools accept); `spec_definitions`, `completed_definitions` (definitions of specifications);
`unknown_references`, `graphql_rules` (errors); `directive_elements`, `schema_builder` (definitions to records);
`unknown_type_conditions`.
"""
