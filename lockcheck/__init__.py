"""lockcheck: finds database lock-order hazards in Python code that uses SQLAlchemy, and fixes them."""

__version__ = "0.1.0"
