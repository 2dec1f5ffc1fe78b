"""How long composition takes, how that grows, and how it compares with `@apollo/composition` in the same run."""
