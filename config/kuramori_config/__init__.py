"""The contract: one typed schema for the configuration file, its loader, secrets and generated reference."""
