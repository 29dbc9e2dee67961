"""The Python image, built without an engine, and each process started from it on real servers."""
