"""Chosen options -> fetch groups (`group_builder`) -> fewer groups (`passes/`) -> fetches (`operation_writer`).

A *fetch group* is a future fetch of the plan; passes can merge it with others. A *root option* is the option with which
a fetch begins: on the root type or, for an entity fetch, behind a key. *Guards* are the `@skip` and `@include`
variables of a selection, with the values under which it is selected.

`root_field_planning` drafts the groups for root fields. `selection_trees` has what a fetch selects. What is in the
representations of a fetch is in `representation_inputs`, and in `fetch_node_requires` as `requires` of a plan node.
"""
