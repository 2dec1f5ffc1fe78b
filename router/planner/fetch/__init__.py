"""Turn chosen options into fetches: chosen options -> fetch groups -> fewer fetch groups -> fetches.

An *option* is a path to an object in one subgraph, by which a leaf field of the object can be fetched. A *root option*
is an option at which a fetch begins: its object is the operation root or, for an entity fetch, the entity. A *fetch
group* is a future fetch of the plan. Fetch groups can still be merged. The *guards* of a selection are its `@skip` and
`@include` variables with their required values.

- `root_field_planning` chooses the options for root fields and builds their fetch groups.
- `group_builder` builds fetch groups from chosen options. `group_drafts` decides which of them share a fetch.
- `entity_fetch_sharing` decides what a fetch can select for all of its entities. For this, `non_null_fields_of_client`
  finds what the client selects in other fetches. `type_conditions_in_paths` restricts a fetch to the entities below
  objects of certain types.
- `passes/` merges fetch groups.
- `operation_writer` writes the fetches.
- `selection_trees` collects what a fetch selects.
- `representation_inputs` collects the fields that the representations of a fetch contain. `fetch_node_requires` writes
  these fields as `requires` of the plan node.
"""
