"""The demo: the whole story with simulated cameras, told and done by the product's own commands."""
