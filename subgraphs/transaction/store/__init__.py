"""Where transactions and idempotency keys are kept: a protocol and its implementations."""
