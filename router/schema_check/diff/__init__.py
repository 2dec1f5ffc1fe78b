"""Compares two schemas.

In: an old and a new schema. Out: all changes, ordered by severity and coordinate. `compare_schemas` is the entry, and
calls one module for each kind of element: `compare_fields`, `compare_inputs`, `compare_enums_and_unions`,
`compare_directive_definitions`, `compare_applied_directives`. They share `comparison` and `type_changes`. `renames`
recognises a removed and an added element as a rename.
"""
