"""What happened before an order: counts, sums and members of rolling windows, in memory or in Redis."""
