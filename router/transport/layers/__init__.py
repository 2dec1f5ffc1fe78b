"""Wrappers around a transport: deduplication, pause after `Retry-After`, metering."""
