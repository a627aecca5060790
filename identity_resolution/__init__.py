"""Which accounts are the same person, under a member id that survives every night."""
