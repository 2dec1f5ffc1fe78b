"""The auth service: people, their sessions, and the tokens by which every other process knows them."""
