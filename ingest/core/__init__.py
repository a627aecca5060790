"""What every package of the platform may import: settings, the lake, contracts, errors, logging."""
