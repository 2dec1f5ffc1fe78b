"""A client's request and its response, without HTTP: `messages`, `outcome`, `record`; `hooks` for embedders."""
