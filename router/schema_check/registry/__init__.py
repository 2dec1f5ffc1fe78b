"""A registry of subgraph schemas in a folder or an object store, for teams with one subgraph in each repository.

    registry/
      latest.json                     the newest version: its subgraphs, each with URL and checksum
      versions/7.json                 each version, with the checksum of the version before it
      schemas/books/<sha256>.graphql  each SDL that was ever published
      supergraphs/<sha256>.graphql    the supergraph of each version

`registry_version` has the format of a version, `open_registry` finds a registry in a folder, a git repository, a web
server or an object store, `read_registry` reads its newest version, `publish` adds a version to a folder or an object
store. `router publish` and `router registry` are the commands.
"""
