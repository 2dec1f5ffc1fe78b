"""Pages on which users manage their sessions, applications and second factors with a browser.

They use the login of the browser at the authorization server (`subgraphs.auth.oauth.browser_login`).
"""
