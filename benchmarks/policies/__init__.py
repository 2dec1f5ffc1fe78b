"""What each policy of the router adds to a cached query."""
