"""Settlement statements per business and for the fund."""
