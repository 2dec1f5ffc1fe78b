"""Read the schema of one subgraph (composition §1, §2, §4).

The input is the SDL of a subgraph. The result is a `SubgraphSchema`, or errors in the report. Reading order:

- `read_subgraph` runs all steps.
- `schema_limits`, `parse_sdl_with_repetitions`, `subgraph_document` and `drop_subgraph_spec_parts` parse the SDL into
  definitions.
- `give_each_type_one_kind` and `convert_lenient_literals` repair invalid definitions that other tools accept.
- `spec_definitions_under_schema_names` and `check_and_add_spec_definitions` add definitions of linked specifications.
- `report_unknown_references` and `check_graphql_rules` report errors.
- `spec_directive_names`, `schema_builder` and `drop_unknown_type_conditions` convert the definitions to a
  `SubgraphSchema`.

An *element* is a directive or type of a specification. A schema can rename an element in `@link(import:)`.
"""
