"""The wire contracts: each a leaf of its own, speaking one API over the same core."""
