"""A payment provider for tests and development, as a separate process (docs/payments.md). It moves no money."""
