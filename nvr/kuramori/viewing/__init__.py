"""Looking at granted recordings (R5, H1): a coarse storyboard to find the moment, and full detail on the desk's screen.

From memory only; no picture is kept, and there is no live view. Decision 0045.
"""
