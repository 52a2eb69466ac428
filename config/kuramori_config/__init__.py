"""The contract: one typed schema for the configuration file, its loader, its secrets and its generated reference."""
