"""HTTP/1.1 client connections and the pool that keeps them."""
