"""GraphQL over HTTP on a bare ASGI application: bytes of a client in, bytes of an answer out."""
