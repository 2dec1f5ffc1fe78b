"""What every process of the platform needs, and nothing a single one needs alone."""
