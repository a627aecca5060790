"""Nights that are killed, starved or watched: what comes after must be as if nothing had been."""
