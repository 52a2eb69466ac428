"""The desk: requests, approvals and the register. Knows nothing of cameras or ring files."""
