"""What each subgraph can resolve, and which keys lead into it: the same for all operations (planning §2)."""
