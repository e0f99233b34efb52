"""The path language of Spectral's `given`: parsed, compiled into one automaton, walked once."""
