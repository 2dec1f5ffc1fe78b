"""How long a fraud decision takes."""
