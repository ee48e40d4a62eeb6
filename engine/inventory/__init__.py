"""Who is managed: sources → `Inventory`, and patterns over it."""
from engine.inventory.merge import load_inventory
from engine.inventory.tree import Group, Host, Inventory

__all__ = ["Group", "Host", "Inventory", "load_inventory"]
