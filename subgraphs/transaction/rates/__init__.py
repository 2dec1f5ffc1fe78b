"""Exchange rates for transfers between accounts of different currencies."""
