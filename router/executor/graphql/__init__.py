"""The execution rules of the GraphQL specification: coercion, field collection, completion, introspection."""
