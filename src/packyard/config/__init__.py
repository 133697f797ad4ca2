"""File and environment to typed values: `model` is the list of keys, `load` reads them."""

from packyard.config.load import load
from packyard.config.model import Config

__all__ = ["Config", "load"]
