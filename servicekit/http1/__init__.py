"""The HTTP/1.1 client of all processes. `service_client` calls another service of the platform.

`pool` keeps the connections to one server, and `connection` sends requests on one connection. In: the bytes of a
request and a deadline. Out: the status, headers and body of the response, or an exception.
"""
