"""GraphQL conventions that the three subgraphs share: scalars, connections, problems, entities, HTTP."""
