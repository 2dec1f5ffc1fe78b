"""Sessions: their tokens, their devices, and their end."""
