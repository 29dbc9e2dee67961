"""A process: settings, lifetime and background loops."""
