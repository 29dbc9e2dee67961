"""The rules of an English auction: frozen state, pure functions, standard library only."""
