"""What administrators do with users: roles, and whether a user may log in (bank §2.23)."""
