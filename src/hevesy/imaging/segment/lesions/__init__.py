"""All lesions of a whole volume: found by rule, pre-sorted by where they lie, confirmed by a reader.

- `candidates`: everything at or above the rule, and small foci of high contrast below it.
- `anatomy`: body, lungs, bones, spine and landmarks by rules on a 4 mm grid.
- `references`: liver and blood pool.
- `places`: features of a candidate, and the rule tables (TOML) of classes and places.
- `scoring`: the score that orders the rows, by hand weights or by learned ones.
- `learning`: weights from what readers accepted and rejected.
- `report`: the table of clause 6.16, its label map and its sums.
"""
