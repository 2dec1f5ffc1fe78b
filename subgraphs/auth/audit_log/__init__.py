"""The audit log: what staff and operators did, in entries that are never changed (bank §2.22)."""
