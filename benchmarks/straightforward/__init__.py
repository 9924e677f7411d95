"""The formulations that come to mind first, which the fast ones are held against."""
