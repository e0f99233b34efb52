"""The gateway: contracts compile to Envoy resources; one engine runs them and its access log becomes facts."""
