"""Delta ADS: the moving resources of a gateway over gRPC, for nodes that do not share a disk with the control plane.

`catalog` is what should run, `conversation` one node's side of the protocol without any I/O, `server` and `client` the
two ends over gRPC, `relay` both of them on a node, with the last good on its disk. Needs `treadle[fleet]`.
"""
