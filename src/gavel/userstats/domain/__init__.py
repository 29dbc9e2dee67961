"""Rules of counting: frozen events and pure functions, standard library only."""
