"""The time that planning takes, compared with Apollo's and Hive's planners in the same run."""
