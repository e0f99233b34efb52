"""The functions behind `treadle:api` and `treadle:events`, one a file: what the core functions cannot say."""
