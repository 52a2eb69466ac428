"""One picture of a camera for aiming it (R4): captured, decoded and shown from memory; nothing of it is ever stored."""
