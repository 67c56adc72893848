"""The leaderboard as a folder of pages: it opens from disk, loads nothing from elsewhere and runs our scripts alone."""

from rmbench.leaderboard.site.build import write_site

__all__ = ["write_site"]
