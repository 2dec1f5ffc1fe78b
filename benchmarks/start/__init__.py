"""How long the router takes from its start to its first answer."""
