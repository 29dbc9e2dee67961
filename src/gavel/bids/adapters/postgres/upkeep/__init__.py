"""What the bid worker keeps in order."""
