"""The payment provider over HTTP, its webhooks, and the comparison of its statements with the orders."""
