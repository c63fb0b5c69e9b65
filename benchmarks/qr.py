"""QR codes: a licence's digits made and read, pictures drawn, and pictures read by an independent decoder."""

import io
from collections.abc import Callable
from importlib import import_module

from benchmarks.processes import SERVER_CORE, on_cores
from benchmarks.province import make_province, personal_type, public_type, tokens_of
from benchmarks.rounds import alternate, speed_of
from benchmarks.stage import Stage
from ecert.wire import qr

__all__ = ["measure"]

_BASE_URL = "https://ecert.example"


def measure(stage: Stage) -> None:
    """Write the rows `qr: …`."""
    province = make_province()
    tokens = tokens_of(province, stage.size.pictures, public_type())
    personal = tokens_of(province, stage.size.pictures, personal_type())
    texts = [qr.encode_token(token, _BASE_URL) for token in tokens]
    largest = max(qr.version_of(qr.encode_token(token, _BASE_URL)) for token in personal)
    stage.sheet.add("qr: version, personal licence", largest, "version", target="value <= 13")
    stage.sheet.add(
        "qr: version, business licence", max(map(qr.version_of, texts)), "version", target="value <= 18"
    )
    seconds = stage.size.call_seconds
    cases: dict[str, Callable[[], float]] = {
        "qr: token to digits": speed_of(_encode, tokens, seconds),
        "qr: digits to token": speed_of(qr.read, texts, seconds),
        "qr: draw SVG": speed_of(qr.draw_svg, texts[:2], seconds),
        "qr: draw PNG": speed_of(qr.draw_png, texts[:2], seconds),
    }
    try:
        cases |= _independent(texts[:2], seconds)
    except ImportError:
        stage.sheet.skip("qr: zxing-cpp", "zxing-cpp or Pillow is not installed")
    with on_cores(SERVER_CORE):
        for name, rates in alternate(cases, stage.size.rounds).items():
            stage.sheet.add(name, rates, "codes/s")


def _encode(token: str) -> str:
    return qr.encode_token(token, _BASE_URL)


def _independent(texts: list[str], seconds: float) -> dict[str, Callable[[], float]]:
    """Pictures read back by zxing-cpp, which must give the same text."""
    zxing, image = import_module("zxingcpp"), import_module("PIL.Image")
    pictures = [image.open(io.BytesIO(qr.draw_png(text))).convert("L") for text in texts]

    def read(place: int) -> None:
        found = zxing.read_barcodes(pictures[place])
        if [one.text for one in found] != [texts[place]]:
            raise RuntimeError("expected the picture to give its own text, it did not")

    places = list(range(len(texts)))
    return {"qr: read a PNG with zxing-cpp": speed_of(read, places, seconds)}
