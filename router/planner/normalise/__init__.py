"""Bring an operation into normal form: inline fragments, evaluate constant conditions, merge equal fields.

- `merge_selections` flattens the fragments on an object, and merges the fields with equal response keys.
- `skip_and_include_guards` reads `@skip` and `@include` as guards. A *guard* is a variable and its required value.
- `read_defer_directive` reads `@defer` on one fragment. `deferred_blocks` finds the deferred blocks of an operation. A
  *deferred block* has the selections of one deferred fragment.
- `argument_text` writes arguments as text.
"""
