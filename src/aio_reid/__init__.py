"""AIO-ReID: find a person in a gallery of pictures from a photo, an infrared frame, a sketch, a sentence, or any
combination.
"""

from __future__ import annotations

__version__ = "0.1.0"
