"""Reading back what was recorded, in the background: its pace, its memory, and what is told of damage."""
