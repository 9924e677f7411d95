"""Speech-driven 3D heads of any topology for lightning-face."""
