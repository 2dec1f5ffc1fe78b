"""API keys: how machines authenticate as their owner, within scopes and until a date (bank §2.24)."""
