"""An HTTP/1.1 server on httptools, for ASGI applications and for applications that respond directly.

Read the modules in this order:

- `messages`: a request and its head, as the server passes them on, and a whole response.
- `request_parsing`: reads requests strictly, with the limits of heads, trailers and framing.
- `response_heads`: makes the head of a response from the status and the headers.
- `received_request`, `exchange`: one request with its response; they implement `receive` and `send` of ASGI.
- `response_flow`: sends responses, and waits for slow clients.
- `connection_limits`, `connection`: the connection of a client, with its limits of time, size and number.

The processes of this project run it, or the protocol of uvicorn (`servicekit.http_protocol`), with uvicorn's server,
which starts and stops the process. Both have the same limits, and the same tests.

A request that arrives in one read of the socket, which most do, can be answered by a *direct handler*: a coroutine that
returns the whole response. It needs neither the messages of ASGI nor a task that waits for the client's disconnect. All
other requests, and those that the direct handler does not take, go to the ASGI application.
"""
