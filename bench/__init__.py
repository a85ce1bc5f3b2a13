"""What the platform costs beside other ways of making the same eight tables: `python -m bench`.

Whole processes, measured from outside. Nothing here is imported by the platform, and nothing here is a test.
"""
