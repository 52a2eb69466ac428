"""What a simulated camera says over ONVIF, a service per file. Pure; written by hand, apart from our own readers."""
