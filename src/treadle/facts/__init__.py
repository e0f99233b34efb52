"""Facts: every call, event, delivery, refusal and decision, append-only, found by trace and by subject."""
