"""The embedded stack: an emulated AWS on this machine, the real functions deployed onto it, and the demo."""
