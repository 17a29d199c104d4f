"""A package, as its conftest.py is collected for doctests: two modules named `conftest` can't both be imported."""
