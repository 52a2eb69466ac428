"""Telling the office by mail: every day that all is well, at once when it is not, and that a recorder is dead.

The cores here are pure: boot time orders, wall time dates. Nothing of a picture is ever in a mail.
"""
