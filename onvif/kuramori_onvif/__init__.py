"""The door: ONVIF discovery, devices, profiles. Knows nothing of RTSP, files or configuration."""
