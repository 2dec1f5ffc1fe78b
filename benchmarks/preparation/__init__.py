"""How long requests wait while operations are prepared."""
