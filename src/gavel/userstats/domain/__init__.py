"""What is counted, and how: frozen facts and pure functions, standard library only."""
