"""Slow and plainly right: what the fast paths are held against."""
