"""Filling gaps: what the camera recorded on its own card while it could not be recorded live."""
