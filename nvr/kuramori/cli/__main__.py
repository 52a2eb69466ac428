"""`python -m kuramori.cli`: the command without its installed script."""

from kuramori.cli.main import run

run()
