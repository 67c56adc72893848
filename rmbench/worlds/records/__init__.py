"""Faithful record-to-text summaries: state every field, get none wrong, invent nothing, keep to the word limit."""

from rmbench.worlds.records.world import Records

WORLD = Records()
