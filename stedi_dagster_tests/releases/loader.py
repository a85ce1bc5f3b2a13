"""The loader of Croissant, imported so that it does not close what pytest writes to.

absl, which it imports, takes hold of what is standard error at that moment, which is pytest's, and closes it when
Dagster configures logging while something else is standard error.
"""

import sys

import mlcroissant as mlc
from absl import logging

logging.get_absl_handler().python_handler.setStream(sys.__stderr__)

__all__ = ["mlc"]
