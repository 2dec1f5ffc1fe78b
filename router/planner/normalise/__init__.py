"""An operation in normal form: fragments inlined, constant conditions evaluated, equal fields merged, guards as sets.

`selections` does this; `guards` are `@skip` and `@include`, `deferred_blocks` what `@defer` makes of an operation.
"""
