"""Keep texts and other values for later requests, in the memory of this process or in a Redis.

Reading order: `text_store` is the interface of a store of texts. `lru` is a bounded cache in memory, for example of
documents and query plans. `memory_text_store` and `redis_text_store` are the two stores of texts. `memory_text_store`
uses `lru`; several routers can share the Redis of `redis_text_store`.
"""
