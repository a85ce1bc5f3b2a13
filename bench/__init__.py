"""What the platform costs compared with other ways of making the same eight tables: `python -m bench`.

Measures whole processes from outside. The platform imports nothing from here, and nothing here is a test.
"""
