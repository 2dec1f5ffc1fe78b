"""Operation -> normal form: fragments inlined, constant conditions evaluated, equal fields merged, guards made sets."""
