"""What the router still does when clients send more than its processor can process."""
