"""Finds out quickly whether the definitions of a subgraph follow the rules of the GraphQL specification.

graphql-core finds every problem, but its checks take as long as parsing. Most subgraphs have no problem. So the checks
in this package first try to prove that there is none. Definitions are *surely valid* if the proof succeeds. If it
fails, the definitions can be valid or invalid, and graphql-core must check them. For example, the proof always fails if
the subgraph itself defines a directive, or has a `schema` definition, or a default value of an input object or custom
scalar. The rules for these are not repeated here.
"""
