"""How long planning takes, and how that compares with Apollo's and Hive's planners in the same run."""
