"""One module a feature. None knows another; their order stands in `treadle.gateway.envoy.order` and nowhere else."""
