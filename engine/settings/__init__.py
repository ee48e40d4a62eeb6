"""Settings as frozen values: declared in settings.py, read by sources.py, put together by resolve.py."""
from engine.settings.settings import Settings

__all__ = ["Settings"]
