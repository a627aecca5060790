"""What is measured, by `make bench`; results as tables with the machine named."""
