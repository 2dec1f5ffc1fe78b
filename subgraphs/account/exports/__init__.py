"""Statement exports: files with the entries of an account in a period, written in the background.

```
requestStatementExport ──> export (PENDING) + event `export.requested`, in one commit
bus ──> `worker` ──> parts of the file ──> export (COMPLETED or FAILED)
statementExport { content(part) } ──> the requester reads the file, until it expires
```

`export` has the domain and the protocol of the store, `files` the two formats, `worker` the consumer of events, and
`graphql_exports` the GraphQL types.
"""
