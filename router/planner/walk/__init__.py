"""Operation + graph -> leaves with every option each could be fetched at, and the choice between them."""
