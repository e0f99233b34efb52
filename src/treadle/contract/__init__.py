"""Contracts: text in, one frozen model out. Pure: no sockets, processes, clocks or databases."""
