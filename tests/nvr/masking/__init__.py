"""Masked copies: the boxes file, the mosaic, the worker, the path over the API."""
