"""Where the router keeps what it learns: in its memory, or where other routers find it too."""
