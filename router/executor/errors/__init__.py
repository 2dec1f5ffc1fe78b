"""What failed: errors of subgraph responses at their paths in the client's response, and unavailable values."""
