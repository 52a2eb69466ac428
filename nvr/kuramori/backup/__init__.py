"""Backups: what a recorder is and knows, under a passphrase; never what opens a recording."""
