"""Capacity: what the rings hold against what was promised, from measured rates."""
