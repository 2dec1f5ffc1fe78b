"""Where users, sessions and signing keys are kept: the protocol, and one module per database."""
