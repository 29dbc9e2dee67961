"""Real servers of one's own from this machine's programs: private ports, data in one folder, nobody else's touched."""
