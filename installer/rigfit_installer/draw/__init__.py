"""The engine's values as rows of a screen."""
