"""Documents and plans: everything about an operation that does not depend on its variables, done once and cached."""
