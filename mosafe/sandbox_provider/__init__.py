"""A payment provider for tests and development, as a process of its own (docs/payments.md). It moves no money."""
