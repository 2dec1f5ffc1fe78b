"""Usage: which operations clients send, how often, and what they use of the schema. Off by default.

In: the operation, the client and the duration of each request. Out: a store of counts by operation, client and minute.
The store never contains values that clients send. Literals are removed from documents. For variables, the store has
only the names of the input fields that were present, and the enum values.

Reading order:

- `usage_data` has the data that is recorded and read.
- `used_coordinates` finds the parts of a schema that a document uses. `variable_coordinates` finds the parts that the
  values of variables use. `remove_literals` makes the text that is stored. `normalised_operations` caches the results.
- `recorder` counts requests in memory, and writes the counts in the background.
- `usage_store` has the queries of a store, which are the same for `sqlite_connection` and `postgres_connection`.
- `import_reports` reads the usage reports of other products.
"""
