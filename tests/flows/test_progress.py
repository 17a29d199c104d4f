"""Who hears of progress, and for how long."""

from __future__ import annotations

from flows.progress import Progress, Snapshot, listening


def test_a_listener_that_fails_hears_no_more_and_stops_nobody() -> None:
    heard: list[str] = []

    def broken(now: Snapshot) -> None:
        heard.append(f"broken {now.stage}")
        raise OSError("the server is away")

    def well(now: Snapshot) -> None:
        heard.append(now.stage)

    progress = Progress("a.wav", (broken, well))
    with listening(lambda now: broken(now)):
        progress.stage("probe")
        progress.stage("plan")
    assert heard == ["broken probe", "broken probe", "probe", "plan"]
