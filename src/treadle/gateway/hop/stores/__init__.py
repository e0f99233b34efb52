"""Where records of keys are kept: one interface, and what keeps them."""
