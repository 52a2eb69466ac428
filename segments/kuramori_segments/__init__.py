"""The vault: format, cipher, keys, ring, ledger, erasure, check. It knows no camera, network or settings."""
