"""The recorder's own media (O2): green, red or unknown, how worn, with the evidence and where it comes from."""
