"""What each subgraph can resolve, and how one gets from one subgraph into another; knows nothing of operations."""
