"""Capture: from a camera's RTSP stream to whole access units. Knows nothing of files, keys or metrics."""
