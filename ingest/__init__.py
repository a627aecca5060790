"""Bottom package: takes files in from the businesses and holds what every other package shares."""
