"""What an operator decides: what may come in, what goes on to subgraphs, what clients get to see. One file a policy."""
