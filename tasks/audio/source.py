"""Open a file's audio stream, and read its packets and decoded frames with their times.

Times are seconds from where a player would start: the first audio sample or, in a video, the container's start.
Everything here uses PyAV, which includes its own FFmpeg.
"""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.audio import wav
from tasks.audio.archives import describe_archive
from tasks.audio.slices import Link, Slice
from tasks.errors import PermanentError, TransientError, UnreadableAudio
from tasks.paths import format_path

if TYPE_CHECKING:
    import av
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container.input import InputContainer

    TimedFrame = tuple[AudioFrame, float | None]

PREROLL_S = 1.0
"""How long before a span decoding starts: lossy codecs need earlier packets to reach their steady state."""

CONTAINERS = (
    "3g2,3gp,aac,ac3,aiff,alaw,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,gsm,iff,m4a,matroska,mj2,"
    "mov,mp2,mp3,mp4,mpc,mpc8,mpeg,mpegts,mulaw,mxf,nut,ogg,rm,sox,tak,tta,voc,w64,wav,webm,wv,xwma"
)
"""Formats that may be opened. Playlists and scripts (hls, concat, …) are excluded: they open other files."""

_SYSTEM_ERRNOS = {
    errno.EIO,
    errno.ESTALE,
    errno.ENODEV,
    errno.ENXIO,
    errno.ETIMEDOUT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
"""Errors of a disk, a network or this machine, not of the file's content."""

_MIN_RATE_HZ, _MAX_RATE_HZ = 1_000, 3_000_000
"""Sample rates outside this range mean a damaged header: an hour at 1 Hz would become seven years of sound."""

_MAX_BROKEN_READS = 100
"""Consecutive unreadable packets after which the rest of a file is skipped."""


class Source:
    """An open file and its selected audio stream.

    `rate_hz` and `channels` are those of the first frame that decodes: headers are sometimes wrong.
    Raises UnreadableAudio where nothing decodes.
    """

    def __init__(
        self,
        path: Path,
        container: InputContainer,
        stream: AudioStream,
        link: Link | None = None,
        track: int | None = None,
    ) -> None:
        self.path, self.container, self.stream, self.link, self.track = path, container, stream, link, track
        self.origin_s = 0.0
        """The stream's timestamp, in seconds, at which the sound starts."""
        self._pending: Iterator[TimedFrame] | None = self._decode_frames()
        self._head = next(self._pending, None)
        if self._head is None:
            rate_hz = stream.codec_context.sample_rate
            if rate_hz and not _MIN_RATE_HZ <= rate_hz <= _MAX_RATE_HZ:
                raise UnreadableAudio(
                    f"{format_path(path)}: says that it has {rate_hz:,} samples a second, as no sound has: its "
                    "header is damaged. Record or copy it again."
                )
            raise UnreadableAudio(f"{format_path(path)}: nothing in it can be decoded. Record or copy it again.")
        frame, time_s = self._head
        self.rate_hz: int = frame.sample_rate
        self.channels: int = frame.layout.nb_channels
        # The header's own start time is off by a codec's delay in some containers; the first frame's never is.
        self.origin_s = min(time_s or 0.0, _read_video_start_s(container))
        self._head = frame, None if time_s is None else time_s - self.origin_s

    def seek(self, time_s: float) -> bool:
        """Seek to the last key frame before `time_s`; return False where the file is not seekable."""
        import av

        base = self.stream.time_base
        self._head = self._pending = None
        if base is None:
            return False
        try:
            self.container.seek(int((time_s + self.origin_s) / base), stream=self.stream, backward=True)
        except (av.FFmpegError, OverflowError):
            return False
        return True

    def read_packets(self) -> Iterator[av.Packet[AudioStream]]:
        """Yield the stream's packets from here on, skipping unreadable places."""
        import av

        broken = 0
        while broken < _MAX_BROKEN_READS:
            try:
                for packet in self.container.demux(self.stream):
                    broken = 0
                    yield packet
                return
            except av.FFmpegError as error:
                if not broken:
                    raise_if_inaccessible(self.path, error)
                broken += 1

    def read_frames(self) -> Iterator[TimedFrame]:
        """Yield decoded frames from here on with their times, without packets that cannot be decoded."""
        rest = self._decode_frames() if self._pending is None else self._pending
        if self._head is not None:
            yield self._head
        self._head = self._pending = None
        yield from rest

    def _decode_frames(self) -> Iterator[TimedFrame]:
        import av

        for packet in self.read_packets():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                time_s = None if frame.pts is None else frame.time - self.origin_s
                if frame.samples and _MIN_RATE_HZ <= frame.sample_rate <= _MAX_RATE_HZ:
                    yield frame, time_s


@contextlib.contextmanager
def open_source(path: Path, link: Link | None = None, track: int | None = None) -> Iterator[Source]:
    """Open `path`, or one link of its chain alone, at its sound track `track`, counted from 1; by default at the
    track that the file marks as its default, else the first.

    Raises UnreadableAudio where there is none, TransientError where the file is gone or cannot be read now.
    """
    import av

    file: io.FileIO | None = None
    try:
        file = wav.open_repaired(path) if link is None else Slice(path, link)
        # "file:" keeps names with a colon or a leading dash from being read as something else.
        container = av.open(
            file or f"file:{path.absolute()}",
            metadata_errors="ignore",
            container_options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        if file is not None:
            file.close()
        raise_if_inaccessible(path, error)
        if archive := describe_archive(path):
            raise UnreadableAudio(f"{format_path(path)}: {archive}.") from error
        raise UnreadableAudio(
            f"{format_path(path)}: not a sound or video file that can be opened. Play it to see whether it is whole, "
            "or convert it to WAV or FLAC."
        ) from error
    with file or contextlib.nullcontext(), container:
        tracks = [s for s in container.streams.audio if s.codec_context is not None]
        if not tracks:
            raise UnreadableAudio(f"{format_path(path)}: holds no audio that can be decoded. Was it the right file?")
        if track is not None and track > len(tracks):
            raise UnreadableAudio(
                f"{format_path(path)}: has no sound track {track}, but {len(tracks)}: set audio.track accordingly."
            )
        default = next((s for s in tracks if s.disposition & av.stream.Disposition.default), tracks[0])
        stream = default if track is None else tracks[track - 1]
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        yield Source(path, container, stream, link, track)


def list_tracks(source: Source) -> list[AudioStream]:
    """List the sound tracks of a file."""
    return [s for s in source.container.streams.audio if s.codec_context is not None]


def describe_tracks(source: Source) -> str | None:
    """Describe the sound tracks of a file, and which is taken; None for a file with one."""
    tracks = list_tracks(source)
    if len(tracks) < 2:
        return None
    taken = 1 + [s.index for s in tracks].index(source.stream.index)
    lines = [_describe_track(number, stream) for number, stream in enumerate(tracks, start=1)]
    return f"{len(tracks)} sound tracks ({'; '.join(lines)}); track {taken} is taken, audio.track chooses another"


def _describe_track(number: int, stream: AudioStream) -> str:
    named = [stream.metadata.get(key, "").strip() for key in ("language", "title")]
    channels = stream.codec_context.layout.nb_channels
    parts = [*(n for n in named if n), f"{channels} channel{'' if channels == 1 else 's'}"]
    return f"{number}: {', '.join(parts)}"


def _read_video_start_s(container: InputContainer) -> float:
    """Read the container's start time, seconds, of a video; infinity for audio files."""
    import av

    moving = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not moving or container.start_time is None:
        return math.inf
    return container.start_time / 1_000_000


def raise_if_inaccessible(path: Path, error: BaseException) -> None:
    """Raise for errors other than those of the file's content: it is gone, not permitted, or its disk fails.

    Raises TransientError where a retry may help, else PermanentError or UnreadableAudio. Returns otherwise.
    """
    if isinstance(error, PermissionError):
        raise PermanentError(f"{format_path(path)}: no permission to read it. Change its owner or mode.") from error
    if isinstance(error, IsADirectoryError):
        raise UnreadableAudio(f"{format_path(path)}: a folder, not a recording. Name a file.") from error
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        raise UnreadableAudio(
            f"{format_path(path)}: a link that leads back to itself. Name the file it is for."
        ) from error
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        raise UnreadableAudio(
            f"{format_path(path)}: no such file; its name is too long for one. Check it."
        ) from error
    if isinstance(error, FileNotFoundError) or not os.path.exists(path):
        raise TransientError(f"{format_path(path)}: the file is gone. Put it back and start again.") from error
    if (
        isinstance(error, OSError)
        and error.errno in _SYSTEM_ERRNOS
        and not (error.errno == errno.EIO and _is_readable(path))
    ):
        raise TransientError(
            f"{format_path(path)}: could not be read ({error.strerror}). Is its disk there?"
        ) from error


def _is_readable(path: Path) -> bool:
    """Check whether all bytes of a file can be read: FFmpeg reports an I/O error for truncated files, too."""
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    except OSError:
        return False
    return True
