"""The vocabulary of Apollo Federation: specification versions, directives, `@link` and field sets."""
