"""The OAuth 2.1 and OpenID Connect authorization server.

The protocol code is our own. Authlib has a core without a web framework, but it calls the store synchronously in the
middle of each decision (`query_client`, `query_authorization_code`, `save_token`). The store here is asynchronous, and
decides about a code or token inside a database transaction. PyJWT signs the tokens, as it does for the bank's login.
"""
