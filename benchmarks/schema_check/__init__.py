"""How long `router check` takes for a large federation against a commit, and how much memory it needs."""
