"""The child process that reads PDF and pixels, driven by contained.py. It is run as a file, not as a module of
the gateway, and imports nothing of it: it starts faster, and there is nothing in it worth taking over.

Parsers of PDF and images are large, partly native, and their worst cases are not all known; so they run where
the kernel counts their seconds and bytes. In: one line of JSON (what to do, the limits), then the bytes of
the files. Out: one JSON object. The bounds of pypdf are set far below its defaults beside that.
"""

from __future__ import annotations

import base64
import io
import json
import resource
import sys
from itertools import islice
from typing import Any, BinaryIO

EXHAUSTED = 3  # the exit status where a bound was reached; 1 is Python's own for what could not be read


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Reads the job, answers it; whatever goes wrong ends the process, which the parent reads as a refusal."""
    job = json.loads(source.readline(65_536))
    limits = job["limits"]
    resource.setrlimit(resource.RLIMIT_CPU, (limits["child_cpu_s"], limits["child_cpu_s"]))
    resource.setrlimit(resource.RLIMIT_AS, (limits["child_bytes"], limits["child_bytes"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    parts = [source.read(size) for size in job["sizes"]]
    try:
        answer = _read_pdf(parts[0], limits) if job["what"] == "pdf" else _read_images(parts, limits)
    except (MemoryError, RecursionError):
        sys.exit(EXHAUSTED)
    sink.write(json.dumps(answer).encode("ascii"))


def _read_images(parts: list[bytes], limits: dict[str, Any]) -> dict[str, Any]:
    return {"images": [_read_image(part, limits) for part in parts]}


def _read_image(data: bytes, limits: dict[str, Any]) -> dict[str, Any]:
    """Width and height by the header, then the QR texts in the pixels, if they are few enough."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            found = {"width": image.width, "height": image.height, "texts": [], "fault": ""}
            if image.width * image.height > limits["image_pixels"]:
                return {**found, "fault": "too-many-pixels"}
            return {**found, "texts": _qr_texts(image)}
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        return {"width": 0, "height": 0, "texts": [], "fault": f"damaged: {type(error).__name__}"}


def _qr_texts(image: Any) -> list[str]:
    import zxingcpp

    grey = image.convert("L")
    pixels = memoryview(grey.tobytes()).cast("B", (grey.height, grey.width))
    codes = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return [code.text[:2000] for code in codes[:8]]


def _read_pdf(data: bytes, limits: dict[str, Any]) -> dict[str, Any]:
    import pypdf
    from pypdf import apply_configuration
    from pypdf.errors import LimitReachedError

    most = limits["pdf_stream_bytes"]
    with apply_configuration(
        maximum_declared_stream_length=most,
        array_based_stream_maximum_output_length=most,
        lzw_maximum_output_length=most,
        run_length_maximum_output_length=most,
        zlib_maximum_output_length=most,
        jbig2dec_binary=None,
        page_tree_maximum_entries=limits["pages"] * 10,
        xform_maximum_invocations_per_extraction=500,
    ):
        try:
            reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
            if reader.is_encrypted:
                return {"encrypted": True}
            return {"encrypted": False, **_contents(reader, limits)}
        except LimitReachedError:
            sys.exit(EXHAUSTED)


def _contents(reader: Any, limits: dict[str, Any]) -> dict[str, Any]:
    pages: list[str] = []
    images: list[dict[str, Any]] = []
    left = limits["text_chars"]
    count = len(reader.pages)
    for number, page in enumerate(reader.pages[: limits["pages"]], 1):
        text = page.extract_text()[:left]
        left -= len(text)
        pages.append(text)
        images.extend(_page_images(page, number, limits["images"] - len(images)))
    attachments = [
        {"name": str(one.name)[:200], "data": base64.b64encode(content).decode("ascii")}
        for one, content in _attached(reader, limits)
    ]
    return {"pages": pages, "page_count": count, "images": images, "attachments": attachments}


def _attached(reader: Any, limits: dict[str, Any]) -> list[tuple[Any, bytes]]:
    """The attachments that may be XML, few and small enough to be handed over."""
    found: list[tuple[Any, bytes]] = []
    left = limits["pdf_stream_bytes"]
    for one in islice(reader.attachment_list, limits["attachments"]):
        content = one.content
        if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and len(content) <= left:
            found.append((one, content))
            left -= len(content)
    return found


def _page_images(page: Any, number: int, most: int) -> list[dict[str, Any]]:
    """QR texts of a page's pictures; one that cannot be decoded has none."""
    found: list[dict[str, Any]] = []
    for key in page.images.keys()[: max(most, 0)]:
        try:
            picture = page.images[key].image
            texts = [] if picture is None else _qr_texts(picture)
        except (OSError, ValueError, TypeError, KeyError, NotImplementedError):
            texts = []
        found.append({"page": number, "texts": texts})
    return found


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
