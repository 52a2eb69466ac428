"""The walk-through of hand-overs: everything between a letter and a confirmed erasure, through the HTTP API only."""
