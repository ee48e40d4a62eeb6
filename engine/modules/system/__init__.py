"""What the modules for users, packages, services and commands share. Shipped to targets: stdlib only, Python 3.6."""
