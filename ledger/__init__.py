"""The two folds of the night: tier periods and points entries, derived from what members did."""
