"""The reference interpreter: it runs the fetches of a plan and merges their data. Read `execution` first."""
