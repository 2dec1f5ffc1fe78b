"""GraphQL subscriptions of a subgraph, over the protocol graphql-transport-ws (docs/events.md).

```
outbox ── live_feed ──> a bounded queue for each subscription ──> resolver ──> connection ──> WebSocket
```

`live_feed` reads the events of the service's outbox once for all subscriptions. `connection` serves one WebSocket,
`operation` checks and executes its subscriptions, and `websocket_route` is the route of a service with its limits.
`messages` has the messages and the close codes.

Protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""
