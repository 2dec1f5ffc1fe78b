"""What recording usage adds to a request, and how long reports over a large store take."""
