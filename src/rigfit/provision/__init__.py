"""Puts onto this machine what a plan says, and keeps its life on disk honest."""
