"""Explanations of points and tiers, in words that a service desk can read to a member."""
