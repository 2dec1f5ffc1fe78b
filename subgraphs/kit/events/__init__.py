"""Events: how they leave the outbox of a service, and how consumers get them (docs/events.md, bank §2.10).

```
change + event --commit--> outbox --relay--> Kafka topics --KafkaBus--> consumers     (KAFKA_BROKERS is set)
                             ├----OutboxBus---------------------------> consumers     (it is not set)
                             └----live feed---------------------------> subscriptions
```

Read `bus` first: it has the contract. `outbox_reader` reads an outbox from a stored position; `relay` and `outbox_bus`
are such readers. `delivery` has the attempts and the dead letters of both buses. `publishing` starts everything.
"""
