"""A plan in, a response out: the reference interpreter, on plain dicts. It is the definition of correct."""
