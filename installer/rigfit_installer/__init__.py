"""The installer: a Textual application over the engine."""
