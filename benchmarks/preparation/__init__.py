"""The time that requests wait while other operations are prepared."""
