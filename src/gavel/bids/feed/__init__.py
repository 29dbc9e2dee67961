"""The live feed of one process: an engine with timers that puts events in order and sends them to watchers."""
