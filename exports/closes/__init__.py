"""Closing a month: its totals, its statement numbers, and the steps that people take."""
