"""Publishing: how events leave the outbox of a service (bank §2.10).

```
change + event --commit--> outbox --relay--> Kafka topics        (KAFKA_BROKERS is set)
                             └-----feed----> followers in this process, such as subscriptions
```

The relay and the followers read the events from the outbox, each from its own position. So a service without Kafka has
the same events in the same order. If Kafka is not available, no event is lost.
"""
