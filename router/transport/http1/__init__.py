"""The HTTP/1.1 client: `pool` keeps the connections to one origin, `connection` exchanges messages on one of them.

In: the bytes of a request and a deadline. Out: status, headers and body of its response, or an exception.
"""
