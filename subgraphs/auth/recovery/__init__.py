"""Changes of a user's password and e-mail address, with the links that mails carry for them.

Reading order: `links` (the rules), `store`, `service` (the use cases), `preparations` (what happens before a mail with
a link is sent). The GraphQL fields are in `subgraphs.auth.graphql_recovery`, the pages in `subgraphs.auth.pages`.
"""
