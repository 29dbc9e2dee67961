"""What makes load and what watches: clients of the system under test."""
