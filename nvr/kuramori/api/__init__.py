"""The desk's HTTP API: one router per resource."""
