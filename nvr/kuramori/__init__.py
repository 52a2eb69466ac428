"""The hall: the recorder daemon, its three processes, the command line.

It stands above the four rooms (onvif, segments, metrics, config) and is the only place that knows them all.
"""

__version__ = "0.1.0"
