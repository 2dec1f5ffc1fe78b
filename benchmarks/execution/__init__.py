"""The time that the interpreter takes to execute a plan over recorded subgraph responses."""
