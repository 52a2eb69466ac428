"""The door process: keeps knowing where each ONVIF camera streams, and tells the recorder."""
