"""The race: this router and other federation routers, on one federation, with recorded responses of subgraphs."""
