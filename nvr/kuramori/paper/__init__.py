"""What the office prints: pages in Japanese with the font inside the file."""
