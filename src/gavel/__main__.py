"""`python -m gavel` is `gavel`."""

from gavel.cli import app

app(prog_name="gavel")
