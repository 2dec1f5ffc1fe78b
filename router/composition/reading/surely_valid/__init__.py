"""Finds out quickly that the definitions of a subgraph follow the rules of the GraphQL specification.

graphql-core finds every problem, but needs as much time for that as for parsing. Most subgraphs have no problem. The
functions here say yes only if graphql-core would surely find none. A no makes no statement: graphql-core must check
the definitions. The answer is no, for example, for own definitions of directives, for `schema` definitions, and for
default values of input objects and custom scalars, because their rules are not repeated here.
"""
