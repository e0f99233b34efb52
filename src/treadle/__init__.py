"""treadle: contracts in git become a governed, running enterprise integration fabric."""

__version__ = "0.1.0"
