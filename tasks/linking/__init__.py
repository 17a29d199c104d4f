"""Local speakers of all chunks -> speakers of the recording. Pure NumPy; no Prefect, no torch.

Follows EEND-VC (Kinoshita et al. 2021: diarize blocks independently, then cluster the blocks' local speakers under
the constraint that those of one block are different people), with blocks of 10–15 minutes and a resegmentation of the
windows with the recording's speakers afterwards.

To read in order: `nodes` (local speakers), `within_covariance` and `plda` (variances estimated from the recording),
`log_odds`, `pairs` (constraints and overlap evidence), `seeds`, `agglomerate`, `refine`, `channel_shift`, `outliers`,
`cluster` and `assign_short` (nodes to voices), `split_labels` and `split_to_count` (labels of two speakers),
`resegment`, `turns`, and `link`, which calls all of them.
"""
