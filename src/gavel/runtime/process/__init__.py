"""Process infrastructure: settings, lifetime and background loops."""
