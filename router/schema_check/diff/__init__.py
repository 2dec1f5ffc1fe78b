"""Compares two schemas.

In: an old and a new schema. Out: all changes, ordered by severity and coordinate. `compare_schemas` is the entry point.
It calls one module for each kind of element: `compare_fields`, `compare_inputs`, `compare_enums_and_unions`,
`compare_directive_definitions`, `compare_applied_directives`. All of them use `comparison`, and some use
`compatible_type_changes`. `renames` finds elements that were renamed.
"""
