"""Operation + graph -> leaves with every place each could be fetched at, and the choice between them."""
