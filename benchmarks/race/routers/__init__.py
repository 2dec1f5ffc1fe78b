"""The routers of the race: how each is started, and with which settings. All others are at their defaults."""
