"""Figures: of the paper, beyond it, and for print; how strategies look in all of them."""
