"""Explanations of points, tiers and money, in words that can be read to a member or to finance."""
