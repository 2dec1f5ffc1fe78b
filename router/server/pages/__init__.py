"""The pages for a person who opens the router in a browser. They exist only with `ide.enabled`.

`ide_pages` decides which requests get a page. `explorer/` is our own page: ES modules without a build step. `graphiql/`
is made by `make ide`, and is absent in a checkout where nobody has run it.
"""
