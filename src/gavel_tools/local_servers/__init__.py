"""Local servers from this machine's programs: private ports, data in one folder, no other server touched."""
