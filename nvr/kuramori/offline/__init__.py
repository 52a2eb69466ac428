"""Opening what a dead recorder left: its disk, its keystore and its cell, read only, on another machine."""
