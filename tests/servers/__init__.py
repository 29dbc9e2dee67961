"""Real servers for the tests: named in the environment, in containers where an engine answers, or local programs."""
