"""Clips: from sealed segments and released keys to a verifiable copy. Runs in short-lived workers."""
