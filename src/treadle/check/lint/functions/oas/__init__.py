"""The functions behind Spectral's stock OpenAPI rules, one a file; a function `oasOpParams` is in `op_params.py`."""
