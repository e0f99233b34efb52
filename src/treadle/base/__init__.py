"""Words every layer may use: errors, ids, canonical bytes."""
