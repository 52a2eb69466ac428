"""The window: plain statistics turned into Prometheus metrics. Recording code never imports it."""
