"""Pages of the auth service for browsers: server-rendered HTML without scripts and anything of third parties."""
