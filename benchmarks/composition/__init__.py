"""How long composition takes for federations of growing size, compared with `@apollo/composition` in the same run."""
