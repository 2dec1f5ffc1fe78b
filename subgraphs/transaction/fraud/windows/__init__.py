"""Rolling windows over past orders: their counts, sums and members, in memory or in Redis."""
