"""The only place of the router that opens sockets."""
