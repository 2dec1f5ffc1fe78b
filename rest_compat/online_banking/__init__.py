"""Online banking: a page at `/` on which people use the bank, and the forwarding of its GraphQL requests.

`online_banking` serves the page, whose files are in `page`. `graphql_forwarding` passes the page's requests on to the
router, so that the browser talks to one origin only.
"""
