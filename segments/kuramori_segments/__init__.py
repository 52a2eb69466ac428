"""The vault: format, cipher, keys, ring, ledger, erasure, check. Knows nothing of cameras, networks or configuration."""
