"""The sections of `router.yaml`, one module each."""
