"""Opening a file's sound: one audio stream, its clock, and its decoded frames with their times.

Times are seconds from the recording's start, which is where a player would start: the audio's own first
sample, or, in a video, the container's. Everything here goes through PyAV, which brings its own FFmpeg.
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
"""How far ahead of a span decoding starts: lossy codecs need earlier packets to reach their steady state."""

CONTAINERS = (
    "3g2,3gp,aac,ac3,aiff,alaw,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,gsm,iff,m4a,matroska,mj2,"
    "mov,mp2,mp3,mp4,mpc,mpc8,mpeg,mpegts,mulaw,mxf,nut,ogg,rm,sox,tak,tta,voc,w64,wav,webm,wv,xwma"
)
"""What may be opened. Playlists and scripts (hls, concat, …) stay out: they would have us open other files."""

_WORLD = {
    errno.EIO,
    errno.ESTALE,
    errno.ENODEV,
    errno.ENXIO,
    errno.ETIMEDOUT,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}
"""What the system says when a disk, a network or this machine is at fault, not the file."""

_SLOWEST_HZ, _FASTEST_HZ = 1_000, 3_000_000
"""Outside of these a rate is a header's damage: an hour at 1 Hz would be made seven years of sound."""

_BROKEN_READS = 100
"""Consecutive unreadable packets after which the rest of a file is given up."""


class Source:
    """An open file and the audio stream we took from it.

    `rate_hz` and `channels` are those of the first frame that decodes: headers are sometimes wrong.
    Raises UnreadableAudio where nothing decodes.
    """

    def __init__(self, path: Path, container: InputContainer, stream: AudioStream, link: Link | None = None) -> None:
        self.path, self.container, self.stream, self.link = path, container, stream, link
        self.origin_s = 0.0
        """The stream's own time at which the recording starts."""
        self._rest: Iterator[TimedFrame] | None = self._decode()
        self._head = next(self._rest, None)
        if self._head is None:
            rate_hz = stream.codec_context.sample_rate
            if rate_hz and not _SLOWEST_HZ <= rate_hz <= _FASTEST_HZ:
                raise UnreadableAudio(
                    f"{format_path(path)}: says that it has {rate_hz:,} samples a second, as no sound has: its "
                    "header is damaged. Record or copy it again."
                )
            raise UnreadableAudio(f"{format_path(path)}: nothing in it can be decoded. Record or copy it again.")
        frame, time_s = self._head
        self.rate_hz: int = frame.sample_rate
        self.channels: int = frame.layout.nb_channels
        # The header's own start time is off by a codec's delay in some containers; the first frame's never is.
        self.origin_s = min(time_s or 0.0, _video_start_s(container))
        self._head = frame, None if time_s is None else time_s - self.origin_s

    def seek(self, time_s: float) -> bool:
        """Go to the last point before `time_s` from which decoding can start; False where the file can't."""
        import av

        base = self.stream.time_base
        self._head = self._rest = None
        if base is None:
            return False
        try:
            self.container.seek(int((time_s + self.origin_s) / base), stream=self.stream, backward=True)
        except (av.FFmpegError, OverflowError):
            return False
        return True

    def packets(self) -> Iterator[av.Packet[AudioStream]]:
        """The stream's packets from here on, past unreadable places."""
        import av

        broken = 0
        while broken < _BROKEN_READS:
            try:
                for packet in self.container.demux(self.stream):
                    broken = 0
                    yield packet
                return
            except av.FFmpegError as error:
                if not broken:
                    raise_if_gone(self.path, error)
                broken += 1

    def frames(self) -> Iterator[TimedFrame]:
        """Decoded frames from here on with their times; packets that cannot be decoded are left out."""
        rest = self._decode() if self._rest is None else self._rest
        if self._head is not None:
            yield self._head
        self._head = self._rest = None
        yield from rest

    def _decode(self) -> Iterator[TimedFrame]:
        import av

        for packet in self.packets():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                time_s = None if frame.pts is None else frame.time - self.origin_s
                if frame.samples and _SLOWEST_HZ <= frame.sample_rate <= _FASTEST_HZ:
                    yield frame, time_s


@contextlib.contextmanager
def open_source(path: Path, link: Link | None = None) -> Iterator[Source]:
    """Open `path`, or one link of its chain alone, at its default (else first) audio stream.

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
        raise_if_gone(path, error)
        raise UnreadableAudio(
            f"{format_path(path)}: not a sound or video file that can be opened. Play it to see whether it is whole, "
            "or convert it to WAV or FLAC."
        ) from error
    with file or contextlib.nullcontext(), container:
        tracks = [s for s in container.streams.audio if s.codec_context is not None]
        if not tracks:
            raise UnreadableAudio(f"{format_path(path)}: holds no audio that can be decoded. Was it the right file?")
        stream = next((s for s in tracks if s.disposition & av.stream.Disposition.default), tracks[0])
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        yield Source(path, container, stream, link)


def _video_start_s(container: InputContainer) -> float:
    """Where a video's pictures start by the container's clock; infinity for sound alone."""
    import av

    moving = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    if not moving or container.start_time is None:
        return math.inf
    return container.start_time / 1_000_000


def raise_if_gone(path: Path, error: BaseException) -> None:
    """Tell the world's faults from the file's; return where it is the file's."""
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
    if isinstance(error, OSError) and error.errno in _WORLD and not (error.errno == errno.EIO and _can_be_read(path)):
        raise TransientError(
            f"{format_path(path)}: could not be read ({error.strerror}). Is its disk there?"
        ) from error


def _can_be_read(path: Path) -> bool:
    """Whether all bytes of a file are to be had: FFmpeg tells of an I/O error where a file is only cut short, too."""
    try:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    except OSError:
        return False
    return True
