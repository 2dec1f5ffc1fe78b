"""Bring an operation into normal form: inline fragments, evaluate constant conditions, merge equal fields.

- `merge_selections` flattens the fragments on an object, and merges the fields with equal response keys.
- `skip_and_include` reads `@skip` and `@include` as guards. A *guard* is a variable and its required value.
- `defer_directive` and `deferred_blocks` read `@defer`. A *deferred block* has the selections of one deferred fragment.
- `argument_text` writes arguments as text.
"""
