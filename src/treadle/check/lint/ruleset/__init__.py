"""Spectral rulesets: read, checked and merged into rules that the engine can run.

The Spectral that is matched is `MATCHED`.
"""

from __future__ import annotations

MATCHED = "@stoplight/spectral-cli 6.16.3 (spectral-core 1.24.1, spectral-rulesets 1.23.1)"
"""Whose rulesets, path language and results are followed."""
