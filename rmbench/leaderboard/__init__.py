"""The leaderboard: submissions, their verification, ranks with intervals, and the pages that show them."""
