"""What facts say about contracts: rates, objectives, the system map. Pure: time and state come in as arguments."""
