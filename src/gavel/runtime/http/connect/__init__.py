"""RPC over the Connect protocol: procedures of services as routes, codecs, errors, metrics and page tokens."""
