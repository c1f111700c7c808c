"""The installer in a browser: who may open it, and a program of its own for each page."""
