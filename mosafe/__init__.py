"""The `mosafe` command line. Only this package knows all parts of the platform.

In reading order: `cli` lists the commands, and `processes` lists the five processes. `up` starts the processes with
`supervisor`, and `demo` fills their databases. `env` and `sdl` print generated files.
"""
