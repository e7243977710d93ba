"""What accounts are to each other: who blocks whom."""
