"""The parts of tools/ecosystem.py."""
