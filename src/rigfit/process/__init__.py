"""Running other programs so that none outlives us, hangs us, or goes unheard."""
