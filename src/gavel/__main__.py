"""`python -m gavel` is `gavel`."""

from gavel.cli.main import app

app(prog_name="gavel")
