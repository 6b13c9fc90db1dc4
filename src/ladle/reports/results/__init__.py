"""The page of results in the documentation, written from saved experiments."""
