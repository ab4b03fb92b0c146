"""`python -m turnflow.cli`."""

from turnflow.cli import main

main()
