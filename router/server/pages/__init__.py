"""The pages for a person who opens the router in a browser. They exist only with `ide.enabled`.

`ide_pages` decides which requests get a page. `explorer/` is a page of this project: ES modules without a build step.
`make ide` creates the folder `graphiql/`, so the folder is missing in a new checkout.
"""
