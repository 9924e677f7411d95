"""Made-up heads that speak: nets of any number of vertices, shapes, movements and voices."""
