"""The bank's own vocabulary, shared by its services: identity and roles, service credential, revocation, money."""
