"""Turn chosen options into fetches: chosen options -> fetch groups -> fewer fetch groups -> fetches.

An *option* is a way to fetch a leaf field. A *fetch group* is a future fetch of the plan. Fetch groups can still be
merged. A *root option* is the option with which a fetch begins: on the root type or, for an entity fetch, after the key
of the entity. *Guards* are the `@skip` and `@include` variables of a selection with their required values.

- `root_field_planning` chooses the options for root fields and builds their fetch groups.
- `group_builder` builds fetch groups from chosen options.
- `passes/` merges fetch groups.
- `operation_writer` writes the fetches.
- `selection_trees` collects what a fetch selects.
- `representation_inputs` collects what the representations of a fetch are built from. `fetch_node_requires` writes this
  as `requires` of the plan node.
"""
