"""Bring an operation into normal form: inline fragments, evaluate constant conditions, merge equal fields.

- `selections`: fields of an object, flattened over fragments and merged.
- `skip_and_include`: `@skip` and `@include` as sets of guards. A *guard* is a variable and the value it must have.
- `defer_directive`, `deferred_blocks`: `@defer`. A *deferred block* has the selections of one deferred fragment.
- `argument_text`: argument values as text.
"""
