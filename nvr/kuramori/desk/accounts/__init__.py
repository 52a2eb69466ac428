"""Who may sign in, and how the desk knows that it is they: passwords, one-time codes, sessions, tokens, lockout."""
