"""Makes the vectors of tests/model/image with Pillow, NumPy and PyTorch.

    pip install -r tools/golden/image_requirements.txt
    python tools/golden/image_cases.py

Writes into tests/golden/image:
    inputs/*        image files of many kinds
    expected.bin    what the libraries make of them, all results one after the other
    cases.json      for every result: its input, its operation and where it lies in expected.bin

A result of more than KEEP elements is thinned to every stride-th element; its CRC-32
still covers all its bytes. PyTorch's float results are those of a processor with
AVX2 or AVX-512, which are the same; the script refuses to run on another.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
import torch
from PIL import Image, features

HERE = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "image"
KEEP = 3000


class Results:
    """expected.bin and cases.json under construction."""

    def __init__(self):
        self.blob = bytearray()
        self.cases = []

    def add(self, operation, source, array, **arguments):
        array = np.ascontiguousarray(array)
        assert array.dtype in (np.uint8, np.float32)
        flat = array.reshape(-1)
        stride = -(-flat.size // KEEP)
        if stride > 1:
            stride |= 1  # Odd, so that with RGB bytes and power-of-two rows it wanders about.
            stride += 2 if stride % 3 == 0 else 0
        kept = flat[::stride]
        self.cases.append(
            {
                "operation": operation,
                "input": source,
                **arguments,
                "type": "u8" if array.dtype == np.uint8 else "f32",
                "shape": list(array.shape),
                "crc32": zlib.crc32(flat.tobytes()),
                "stride": stride,
                "offset": len(self.blob),
                "count": int(kept.size),
            }
        )
        self.blob += kept.tobytes()


def pattern(width, height):
    """A picture that C++ makes by the same integer formula: smooth here, harsh there."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    planes = [
        (x * 7 + y * 13 + ((x * y) >> 3)) & 255,
        ((x ^ y) * 5 + 101) & 255,
        ((x * x + y * y * 3) >> 5) & 255,
    ]
    return np.stack(planes, axis=2).astype(np.uint8)


def scene(width, height):
    """A photograph-like picture: soft shades, edges and a little noise."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    noise = np.random.default_rng(7).normal(0, 3, (height, width, 3))
    red = 90 + 120 * x + 30 * np.sin(9 * y)
    green = 200 - 110 * y + 20 * np.cos(15 * x * y)
    blue = np.where((x - 0.4) ** 2 + (y - 0.4) ** 2 < 0.06, 230.0, 60 + 80 * (x + y) / 2)
    return np.clip(np.stack([red, green, blue], 2) + noise, 0, 255).astype(np.uint8)


# --- PNG kinds that Pillow does not write -------------------------------------------------------

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def pack_rows(samples, depth, filter_type):
    """Rows of samples [h, w, channels] as PNG scanlines, with one filter for all."""
    out = bytearray()
    step = max(1, depth * samples.shape[2] // 8)
    above = None
    for row in samples:
        if depth == 16:
            data = row.reshape(-1).astype(">u2").tobytes()
        elif depth == 8:
            data = row.reshape(-1).astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in row.reshape(-1))
            bits += "0" * (-len(bits) % 8)
            data = int(bits, 2).to_bytes(len(bits) // 8, "big")
        above = above or bytes(len(data))
        left = bytes(step) + data[: len(data) - step] if len(data) >= step else bytes(len(data))
        guess = {0: bytes(len(data)), 1: left, 2: above}[filter_type]
        out.append(filter_type)
        out += bytes((a - b) & 255 for a, b in zip(data, guess))
        above = data
    return bytes(out)


def write_png(samples, colour_type, depth, interlaced=False, extra=b"", filter_type=0):
    height, width = samples.shape[:2]
    if interlaced:
        raw = b""
        for x0, y0, dx, dy in ADAM7:
            part = samples[y0::dy, x0::dx]
            if part.size:
                raw += pack_rows(part, depth, filter_type)
    else:
        raw = pack_rows(samples, depth, filter_type)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(raw, 9))
        + chunk(b"IEND", b"")
    )


def png_inputs():
    rng = np.random.default_rng(11)

    def noise(width, height, colour_type, depth, levels=None):
        shape = (height, width, CHANNELS[colour_type])
        return rng.integers(0, levels or (1 << depth), shape)

    files = {}
    for colour_type, name in ((0, "gray"), (2, "rgb"), (4, "gray_alpha"), (6, "rgba")):
        for depth in {0: (1, 2, 4, 8, 16)}.get(colour_type, (8, 16)):
            for interlaced in (False, True):
                file = f"{name}{depth}{'_interlaced' if interlaced else ''}.png"
                samples = noise(13, 9, colour_type, depth)
                files[file] = write_png(samples, colour_type, depth, interlaced, b"", depth % 3)
    for depth in (1, 2, 4, 8):
        colours = min(1 << depth, 50)
        palette = chunk(b"PLTE", rng.integers(0, 256, colours * 3).astype(np.uint8).tobytes())
        files[f"palette{depth}.png"] = write_png(noise(11, 7, 3, depth, colours), 3, depth, False, palette)
        holes = palette + chunk(b"tRNS", bytes(range(0, 2 * colours, 2)))
        files[f"palette{depth}_holes_interlaced.png"] = write_png(noise(9, 10, 3, depth, colours), 3, depth, True, holes)
    key = chunk(b"tRNS", struct.pack(">H", 3))
    files["gray4_key.png"] = write_png(noise(6, 5, 0, 4), 0, 4, False, key)
    key = chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))
    files["rgb8_key.png"] = write_png(noise(6, 5, 2, 8, 4), 2, 8, False, key)
    notes = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"tEXt", b"Comment\0hello") + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 99999))
    files["rgb8_notes.png"] = write_png(noise(6, 5, 2, 8), 2, 8, False, notes)
    for width, height in ((1, 1), (1, 8), (8, 1)):
        files[f"rgb8_{width}x{height}.png"] = write_png(noise(width, height, 2, 8), 2, 8, True)
    return files


def jpeg_inputs():
    def save(image, **options):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", **options)
        return buffer.getvalue()

    colour = Image.fromarray(scene(61, 43))
    gray = colour.convert("L")
    orientation = Image.Exif()
    orientation[0x0112] = 6
    return {
        "rgb_444.jpg": save(colour, quality=90, subsampling=0),
        "rgb_422.jpg": save(colour, quality=80, subsampling=1),
        "rgb_420.jpg": save(colour, quality=75, subsampling=2),
        "rgb_420_low.jpg": save(colour, quality=12, subsampling=2),
        "rgb_progressive.jpg": save(colour, quality=85, progressive=True),
        "rgb_restarts.jpg": save(colour, quality=85, restart_marker_blocks=3),
        "rgb_keep.jpg": save(colour, quality=85, keep_rgb=True),
        "rgb_turned.jpg": save(colour, quality=60, exif=orientation),
        "gray.jpg": save(gray, quality=85),
        "gray_progressive.jpg": save(gray, quality=40, progressive=True),
        "cmyk.jpg": save(colour.convert("CMYK"), quality=90),
        "rgb_1x1.jpg": save(Image.fromarray(scene(1, 1)), quality=90),
        "rgb_1x20.jpg": save(Image.fromarray(scene(1, 20)), quality=90),
        "rgb_17x2.jpg": save(Image.fromarray(scene(17, 2)), quality=90),
        "camera.jpg": save(Image.fromarray(scene(640, 480)), quality=80),
    }


def ppm_inputs():
    pixels = pattern(7, 5)
    return {
        "rgb.ppm": b"P6\n7 5\n255\n" + pixels.tobytes(),
        "rgb_comments.ppm": b"P6 # made by hand\n7 # wide\r 5\t #high\n#\n255 " + pixels.tobytes(),
        "rgb_then_more.ppm": b"P6 7 5 255\n" + pixels.tobytes() + b"P6 trailing",
        "gray.pgm": b"P5 7 5 255\n" + pixels[:, :, 0].tobytes(),
    }


def as_rgb(data):
    image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I;16"):  # Pillow would clip at 255; the decoder keeps the high byte.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return np.asarray(image.convert("RGB"))


def decode_cases(results):
    for name, data in {**png_inputs(), **jpeg_inputs(), **ppm_inputs()}.items():
        (HERE / "inputs" / name).write_bytes(data)
        results.add("decode", name, as_rgb(data))


# --- Resizing -----------------------------------------------------------------------------------

SIZES = [  # from (width, height), to (width, height)
    ((1, 1), (1, 1)), ((1, 1), (5, 4)), ((1, 9), (4, 3)), ((9, 1), (3, 4)), ((2, 2), (7, 7)),
    ((13, 9), (13, 9)), ((13, 9), (13, 20)), ((13, 9), (30, 9)), ((13, 9), (5, 4)), ((37, 53), (91, 20)),
    ((100, 75), (1, 1)), ((200, 3), (17, 60)), ((640, 480), (256, 256)), ((256, 256), (512, 512)),
    ((480, 640), (256, 256)), ((640, 480), (384, 384)), ((333, 257), (512, 400)), ((320, 240), (384, 384)),
    ((1280, 720), (256, 256)), ((640, 480), (640, 512)), ((640, 480), (224, 480)), ((300, 600), (384, 384)), ((400, 700), (384, 384)), ((300, 301), (299, 299)),
]  # fmt: skip

FRAMES = [((640, 480), (512, 512)), ((480, 640), (512, 512)), ((256, 256), (512, 512)), ((512, 512), (512, 512)),
          ((1280, 720), (512, 512)), ((333, 257), (512, 512)), ((257, 333), (512, 384)), ((1, 1), (512, 512)),
          ((3, 200), (512, 512)), ((511, 513), (512, 512)), ((640, 480), (224, 224)), ((49, 7), (200, 150))]  # fmt: skip


def to_float(pixels):
    return torch.tensor(pixels).permute(2, 0, 1)[None].type(torch.float32) / 255


def interpolate(planes, width, height):
    return torch.nn.functional.interpolate(planes, size=(height, width), mode="bilinear", align_corners=False)


def fit(planes, width, height):
    """Aspect kept, padded on the left and on top, then from 0..1 to -1..1."""
    rows, columns = planes.shape[2:]
    if (rows, columns) != (height, width):
        ratio = max(columns / width, rows / height)
        rows, columns = int(rows / ratio), int(columns / ratio)
        planes = interpolate(planes, columns, rows)
        planes = torch.nn.functional.pad(planes, (width - columns, 0, height - rows, 0), value=0)
    return planes * 2.0 - 1.0


def square(pixels, colour):
    image = Image.fromarray(pixels)
    side = max(image.size)
    result = Image.new("RGB", (side, side), colour)
    result.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(result)


def resize_cases(results):
    for source, target in SIZES:
        name = "pattern:{}x{}".format(*source)
        pixels = pattern(*source)
        image = Image.fromarray(pixels)
        size = {"width": target[0], "height": target[1]}
        for method, filter_name in ((Image.BILINEAR, "bilinear"), (Image.BICUBIC, "bicubic")):
            resized = np.asarray(image.resize(target, method))
            results.add("resample", name, resized, filter=filter_name, **size)
        # The layout a server has: [height, width, 3] in memory, seen as [1, 3, height, width].
        view = torch.tensor(pixels).permute(2, 0, 1)[None]
        squashed = interpolate(view, *target)[0].permute(1, 2, 0)
        results.add("squash", name, squashed.numpy(), **size)
        if 1 not in source + target:  # With 1, PyTorch 2.13 may stop on an assertion of its own.
            assert torch.equal(squashed, interpolate(view.contiguous(), *target)[0].permute(1, 2, 0))
        planes = to_float(pixels).contiguous()
        results.add("resize_bilinear", name, interpolate(planes, *target)[0].numpy(), **size)
    for source, target in FRAMES:
        name = "pattern:{}x{}".format(*source)
        planes = fit(to_float(pattern(*source)).contiguous(), *target)
        results.add("fit", name, planes[0].numpy(), width=target[0], height=target[1])
    for source in ((7, 4), (4, 7), (5, 5), (640, 480), (1, 6)):
        name = "pattern:{}x{}".format(*source)
        results.add("pad_to_square", name, square(pattern(*source), (127, 3, 250)), colour=[127, 3, 250])


def normalise_cases(results):
    pixels = pattern(64, 48)
    results.add("unit", "pattern:64x48", to_float(pixels)[0].numpy())
    for mean, deviation in (([0.5] * 3, [0.5] * 3), ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])):
        scaled = (pixels.astype(np.float64) * 0.00392156862745098).astype(np.float32)
        values = (scaled - np.array(mean, np.float32)) / np.array(deviation, np.float32)
        assert values.dtype == np.float32
        results.add(
            "normalise", "pattern:64x48", values.transpose(2, 0, 1),
            scale=0.00392156862745098, mean=mean, deviation=deviation,
        )  # fmt: skip


def main():
    capability = torch.backends.cpu.get_cpu_capability()
    if capability not in ("AVX2", "AVX512"):
        raise SystemExit(f"PyTorch runs its {capability} kernels here; use a processor with AVX2")
    (HERE / "inputs").mkdir(parents=True, exist_ok=True)
    for old in (HERE / "inputs").iterdir():
        old.unlink()
    results = Results()
    decode_cases(results)
    resize_cases(results)
    normalise_cases(results)
    made_with = {
        "torch": torch.__version__,
        "pillow": Image.__version__,
        "libjpeg_turbo": features.version("libjpeg_turbo"),
        "numpy": np.__version__,
    }
    (HERE / "expected.bin").write_bytes(results.blob)
    lines = ",\n".join(json.dumps(case) for case in results.cases)
    (HERE / "cases.json").write_text(
        f'{{"made_with": {json.dumps(made_with)},\n"cases": [\n{lines}\n]}}\n'
    )
    total = sum(f.stat().st_size for f in HERE.rglob("*") if f.is_file())
    print(f"{len(results.cases)} cases, {total} bytes in {HERE}")


if __name__ == "__main__":
    main()
