"""Known operations: the operations that clients are known to send.

`known_operations` reads the operations from files. `router.usage.used_coordinates` finds the parts of a schema that an
operation uses.
"""
