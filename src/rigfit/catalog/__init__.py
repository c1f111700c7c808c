"""The catalog: templates, their locks and the facts about what runs where, as values of the core."""
