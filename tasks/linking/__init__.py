"""Local speakers of all chunks -> speakers of the recording. Pure NumPy; no Prefect, no torch.

The idea is that of EEND-VC (Kinoshita et al. 2021: diarize blocks by themselves, then cluster the blocks' local
speakers under the constraint that those of one block are different people), at the scale of 10–15 minutes, with
windows given anew to the recording's voices afterwards.

To read in order: `nodes`, `spread` and `model` (how voices vary, measured in the recording), `likeness`, `pairs`,
`founders`, `agglomerate`, `shift` (another microphone), `cluster` and `short` (nodes to voices), `parts` and `asked`
(labels that hold two voices), `windows`, `turns`, and `link`, which is all of it.
"""
