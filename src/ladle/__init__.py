"""Ladle chooses what to label next."""
