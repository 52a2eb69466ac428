"""Tests of reading back in the recorder."""
