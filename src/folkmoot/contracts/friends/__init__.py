"""The `friends` contract: person to person, friends only, with sent, delivered and read."""
