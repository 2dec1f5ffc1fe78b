"""Subgraph SDL -> `SubgraphSchema`: parse, resolve links, complete definitions, check GraphQL's own rules, build."""
