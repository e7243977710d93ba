"""What others make of the documents: clients are generated from them, and used."""
