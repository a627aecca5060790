"""Dated rule books in YAML: checked as a whole, then compiled to tables that SQL joins by date."""
