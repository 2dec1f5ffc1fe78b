"""Publishing: how events leave the outbox of a service (bank §2.10).

```
change + event --commit--> outbox --relay--> Kafka topics        (KAFKA_BROKERS is set)
                             └-----feed----> followers in this process, such as subscriptions
```

The outbox is the log: the relay and the followers read it, each from its own position. So a service without Kafka has
the same events in the same order, and Kafka that is away loses none.
"""
