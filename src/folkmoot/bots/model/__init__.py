"""Answers of a model behind an OpenAI-compatible endpoint, which is asked and never obeyed."""
