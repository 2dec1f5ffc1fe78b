"""Pages of the auth service for browsers: server-rendered HTML without anything of third parties.

They work without scripts, except for passkeys, which browsers offer to scripts only.
"""
