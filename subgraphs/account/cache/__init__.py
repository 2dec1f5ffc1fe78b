"""The cache of accounts in Redis (bank §4.11), for responses to people. No decision about money reads it.

Read in this order:

| module | what it does |
|---|---|
| `account_cache` | reads through the cache, and keeps readers away from it while accounts change |
| `redis_entries` | the entries in Redis: generations, marks, and the scripts that compare them |
| `cache_permits` | whether this process may use cached values, and how a process without Redis forbids it to all |
| `cached_reads`, `invalidating_writes` | the `AccountReads` and `AccountWrites` with a cache |
| `account_json`, `sealed_values` | the text of an account, and its encryption |

No reader gets a balance that is older than a posting whose response was sent before:

1. An *entry* is a hash with a *generation*, a random text of the first reader, and values. A reader that finds no value
   reads the store, and stores the value only if the entry still has this generation. Readers share a read of the store
   only within one generation.
2. A writer *marks* the accounts before its transaction, which deletes their entries. As long as a mark exists, nobody
   reads or makes an entry. After the transaction, the writer deletes the entries again (Redis may have lost the mark)
   and removes its mark. If the writer dies, its mark expires, later than its transaction can end.
3. A writer that cannot reach Redis begins a new *epoch* in the store, in which the cache is suspended for some seconds.
   An entry belongs to one epoch. Other processes may use the cache only with a *permit*: they have read the epoch less
   than a second ago. So the writer responds when all permits have ended.
4. An entry belongs to one run of one Redis server. So a Redis that restarts from an old copy has no valid entries.
"""
