"""Fuel consumption of a car by its weight."""
