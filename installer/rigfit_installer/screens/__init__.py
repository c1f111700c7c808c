"""The journey, one file for each screen."""
