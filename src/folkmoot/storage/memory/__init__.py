"""Storage that keeps nothing: as strict as a database, for tests and for trying things out."""
