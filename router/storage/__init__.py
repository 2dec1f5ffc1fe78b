"""Caches and stores of texts, in the memory of this process or in a Redis that several routers share.

In reading order: `text_store` defines what a store does; `memory_store` and `redis_store` implement it. `lru` is the
bounded cache of documents and plans, on which the store in memory is based.
"""
