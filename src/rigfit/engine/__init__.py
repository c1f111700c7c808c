"""The one composition of all rooms: what a face calls."""
