"""What people look at: predictions as JSON, pages and pictures."""
