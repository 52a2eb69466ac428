"""A camera to try the recorder on: simulated cameras for sizing a machine and for tests, never for recording."""
