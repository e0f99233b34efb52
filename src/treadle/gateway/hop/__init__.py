"""The guard hop: a thin process between the gateway and an upstream, for operations whose contract asks for it."""
