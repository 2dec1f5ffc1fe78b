"""What an exchange of the HTTP client with a subgraph costs."""
