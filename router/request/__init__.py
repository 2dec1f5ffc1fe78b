"""The types between server and gateway, without HTTP: a request comes in, a response goes out.

Read `messages`, then `outcome` (how far a request came) and `record` (what the log says of it).
"""
