"""Makes the pictures of this folder, and pillow.csv: what Pillow reads of each.

    pip install pillow==13.0.0 numpy; python make-pictures.py

pillow.csv has two lines for a picture, its pixels as hexadecimal digits of R, G and B, row by row: "stored" is
convert("RGB"), and "upright" that of ImageOps.exif_transpose.
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

HERE = pathlib.Path(__file__).parent
RANDOM = np.random.default_rng(1)
FILES = {}


def noise(*shape, most=255):
    return RANDOM.integers(0, most + 1, shape)


def saved(image, form, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


# PNG, chunk by chunk


def chunk(name, data, crc=None):
    crc = zlib.crc32(name + data) if crc is None else crc
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)


def png(samples, depth, kind, *chunks, crc=None, end=chunk(b"IEND", b"")):
    """Samples are [height, width, channels]."""
    height, width, channels = samples.shape
    rows = b""
    for row in samples.reshape(height, -1):
        if depth == 16:
            line = row.astype(">u2").tobytes()
        elif depth == 8:
            line = row.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(v, f"0{depth}b") for v in row)
            bits += "0" * (-len(bits) % 8)
            line = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        rows += b"\0" + line
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(rows), crc)
        + end
    )


def exif(orientation, order=">"):
    """A TIFF file with one tag."""
    head = b"MM" if order == ">" else b"II"
    return head + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def swapped_profile():
    """A profile that takes red for blue, so that whoever applies it shows that."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {}
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        name, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        tags[name] = (132 + 12 * i + 4, offset)
    (red, red_at), (blue, blue_at) = tags[b"rXYZ"], tags[b"bXYZ"]
    struct.pack_into(">I", profile, red, blue_at)
    struct.pack_into(">I", profile, blue, red_at)
    return bytes(profile)


PROFILE = swapped_profile()
palette = [chunk(b"PLTE", noise(16, 3).astype(np.uint8).tobytes())]

for depth in 1, 2, 4, 8, 16:
    FILES[f"grey-{depth}.png"] = png(noise(6, 8, 1, most=2**depth - 1), depth, 0)
for depth in 8, 16:
    most = 2**depth - 1
    FILES[f"rgb-{depth}.png"] = png(noise(6, 8, 3, most=most), depth, 2)
    FILES[f"grey-alpha-{depth}.png"] = png(noise(6, 8, 2, most=most), depth, 4)
    FILES[f"rgb-alpha-{depth}.png"] = png(noise(6, 8, 4, most=most), depth, 6)
for depth in 1, 2, 4:
    FILES[f"palette-{depth}.png"] = png(
        noise(6, 8, 1, most=2**depth - 1), depth, 3, chunk(b"PLTE", noise(2**depth, 3).astype(np.uint8).tobytes())
    )
FILES["palette-8.png"] = png(noise(6, 8, 1, most=15), 8, 3, *palette)
FILES["palette-transparent.png"] = png(noise(6, 8, 1, most=3), 8, 3, *palette, chunk(b"tRNS", bytes([0, 128, 255])))
FILES["palette-too-short.png"] = png(noise(6, 8, 1, most=40), 8, 3, *palette)
grey = noise(6, 8, 1, most=3)
FILES["grey-transparent.png"] = png(grey, 8, 0, chunk(b"tRNS", struct.pack(">H", 2)))
rgb = noise(6, 8, 3)
rgb[2:4] = 1, 2, 3
FILES["rgb-transparent.png"] = png(rgb, 8, 2, chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3)))
FILES["empty-text.png"] = png(rgb, 8, 2, chunk(b"tEXt", b""), chunk(b"zTXt", b""), chunk(b"iTXt", b"Title\0"))
FILES["profile.png"] = png(
    rgb, 8, 2, chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"iCCP", b"swapped\0\0" + zlib.compress(PROFILE))
)
FILES["data-wrong-crc.png"] = png(rgb, 8, 2, crc=1)
FILES["no-end.png"] = png(rgb, 8, 2, end=b"")
FILES["exif.png"] = png(rgb, 8, 2, chunk(b"eXIf", exif(6)))
FILES["exif-at-end.png"] = png(rgb, 8, 2, end=chunk(b"eXIf", exif(5, "<")) + chunk(b"IEND", b""))
raw = b"Exif\0\0" + exif(8)
raw = b"\nexif\n%8d\n%s\n" % (len(raw), raw.hex().encode())
FILES["raw-exif.png"] = png(rgb, 8, 2, chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)))
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
FILES["xmp.png"] = png(rgb, 8, 2, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP % 7))

# JPEG

y, x = np.mgrid[0:19, 0:26]
smooth = np.stack([x * 9, y * 13, 255 - x * 5 - y * 5], -1)
smooth[5:12, 8:20] = 250, 30, 60
smooth = Image.fromarray(smooth.astype(np.uint8))
# 3 columns more than rows, so that not as many are cut off at both ends
small = smooth.crop((0, 0, 9, 6))


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def segments(jpeg):
    """Up to the first scan, and the rest."""
    found, at = [], 2
    while jpeg[at + 1] != 0xDA:
        length = struct.unpack_from(">H", jpeg, at + 2)[0] + 2
        found.append(jpeg[at : at + length])
        at += length
    return found, jpeg[at:]


def rewritten(jpeg, ids=None, drop=(), add=b""):
    """Other component ids, and without or with segments."""
    found, rest = segments(jpeg)
    out = b"\xff\xd8" + add
    for part in found:
        if part[1] in drop:
            continue
        if ids and part[1] in (0xC0, 0xC2):
            part = bytearray(part)
            for i, to in enumerate(ids):
                part[10 + 3 * i] = to
        out += bytes(part)
    if ids:
        rest = bytearray(rest)
        for i, to in enumerate(ids):
            rest[5 + 2 * i] = to
    return out + bytes(rest)


APP0, APP1, APP2, ADOBE = 0xE0, 0xE1, 0xE2, 0xEE
plain = saved(smooth, "JPEG", quality=90)
full = saved(smooth, "JPEG", quality=90, subsampling=0)
as_rgb = saved(smooth, "JPEG", quality=90, keep_rgb=True)  # with Adobe's marker, transform 0


def adobe(transform):
    return segment(ADOBE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, transform))


FILES["420.jpg"] = plain
FILES["422.jpg"] = saved(smooth, "JPEG", quality=90, subsampling=1)
FILES["444.jpg"] = full
FILES["progressive.jpg"] = saved(smooth, "JPEG", quality=90, progressive=True)
FILES["restarts.jpg"] = saved(smooth, "JPEG", quality=90, restart_marker_blocks=2)
FILES["grey.jpg"] = saved(smooth.convert("L"), "JPEG", quality=90)
for name, ids in ("012", (0, 1, 2)), ("123", (1, 2, 3)), ("rgb-letters", b"RGB"), ("odd", (7, 34, 35)):
    FILES[f"ids-{name}.jpg"] = rewritten(full, ids, drop=(APP0,))
FILES["ids-012-subsampled.jpg"] = rewritten(plain, (0, 1, 2), drop=(APP0,))
FILES["ids-rgb-letters-jfif.jpg"] = rewritten(full, b"RGB")
FILES["adobe-rgb.jpg"] = as_rgb
FILES["adobe-rgb-jfif.jpg"] = rewritten(as_rgb, add=segments(plain)[0][0])
FILES["rgb-letters.jpg"] = rewritten(as_rgb, b"RGB", drop=(ADOBE,))
FILES["adobe-ycc-rgb-letters.jpg"] = rewritten(full, b"RGB", drop=(APP0,), add=adobe(1))
FILES["adobe-unknown.jpg"] = rewritten(full, drop=(APP0,), add=adobe(2))
cmyk = Image.fromarray(np.concatenate([np.array(smooth), np.array(smooth)[..., :1] // 2], -1), "CMYK")
cmyk = saved(cmyk, "JPEG", quality=90)  # with Adobe's marker, transform 0
FILES["cmyk.jpg"] = cmyk
FILES["cmyk-no-marker.jpg"] = rewritten(cmyk, drop=(ADOBE,))
FILES["ycck.jpg"] = rewritten(cmyk, drop=(ADOBE,), add=adobe(2))
FILES["cmyk-adobe-1.jpg"] = rewritten(cmyk, drop=(ADOBE,), add=adobe(1))
icc = b"ICC_PROFILE\0"
FILES["profile.jpg"] = rewritten(full, add=segment(APP2, icc + b"\1\1" + PROFILE))
FILES["profile-incomplete.jpg"] = rewritten(full, add=segment(APP2, icc + b"\1\2" + PROFILE[:300]))
FILES["profile-damaged.jpg"] = rewritten(full, add=segment(APP2, icc + b"\1\1" + noise(200).astype(np.uint8).tobytes()))
FILES["jfif-second.jpg"] = rewritten(full, drop=(APP0,), add=segment(0xFE, b"first") + segments(full)[0][0])
FILES["trailing.jpg"] = plain + b"\0\xff\xd8" + plain[2:40]
small_jpeg = saved(small, "JPEG", quality=95, subsampling=0)
for i in range(1, 9):
    FILES[f"orientation-{i}.jpg"] = rewritten(small_jpeg, add=segment(APP1, b"Exif\0\0" + exif(i, "<>"[i % 2])))
FILES["orientation-9.jpg"] = rewritten(small_jpeg, add=segment(APP1, b"Exif\0\0" + exif(9)))
xmp = segment(APP1, b"http://ns.adobe.com/xap/1.0/\0" + XMP % 6)
FILES["xmp.jpg"] = rewritten(small_jpeg, add=xmp)
FILES["exif-and-xmp.jpg"] = rewritten(small_jpeg, add=segment(APP1, b"Exif\0\0" + exif(3)) + xmp)

# GIF: an image of 5x4 pixels

indexed = Image.fromarray(noise(4, 5, most=6).astype(np.uint8), "P")
indexed.putpalette(noise(8, 3).astype(np.uint8).tobytes())


def gif(screen, place, interlace=False, **options):
    data = bytearray(saved(indexed, "GIF", optimize=False, interlace=interlace, **options))
    struct.pack_into("<HH", data, 6, *screen)
    at = 13 + 3 * (2 << (data[10] & 7))
    while data[at] == 0x21:  # extensions
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    struct.pack_into("<HH", data, at + 1, *place)
    return bytes(data)


FILES["whole.gif"] = gif((5, 4), (0, 0))
FILES["interlaced.gif"] = gif((5, 4), (0, 0), interlace=True)
FILES["transparent.gif"] = gif((5, 4), (0, 0), transparency=3)
FILES["smaller-than-screen.gif"] = gif((8, 6), (2, 1))
FILES["smaller-than-screen-transparent.gif"] = gif((8, 6), (2, 1), transparency=3)
FILES["larger-than-screen.gif"] = gif((3, 2), (2, 1))

# BMP


def bmp(width, height, bits, data, colours=b"", compression=0, masks=b""):
    size = 40 + len(masks) if len(masks) == 16 else 40
    start = 14 + 40 + len(masks) + len(colours)
    return (
        b"BM"
        + struct.pack("<IHHI", start + len(data), 0, 0, start)
        + struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, len(data), 0, 0, len(colours) // 4, 0)
        + masks
        + colours
        + data
    )


picture = Image.fromarray(noise(6, 7, 3).astype(np.uint8))
FILES["24.bmp"] = saved(picture, "BMP")
FILES["grey.bmp"] = saved(picture.convert("L"), "BMP")
FILES["1.bmp"] = saved(picture.convert("1"), "BMP")
FILES["8.bmp"] = saved(picture.quantize(9), "BMP")
FILES["32.bmp"] = bmp(8, 6, 32, noise(6 * 8 * 4).astype(np.uint8).tobytes())
FILES["24-from-top.bmp"] = bmp(8, -6, 24, noise(6 * 8 * 3).astype(np.uint8).tobytes())
words = noise(6 * 8, most=65535).astype("<u2").tobytes()
FILES["555.bmp"] = bmp(8, 6, 16, words)
FILES["565.bmp"] = bmp(8, 6, 16, words, compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
FILES["4.bmp"] = bmp(8, 6, 4, noise(6 * 4).astype(np.uint8).tobytes(), noise(16 * 4).astype(np.uint8).tobytes())
FILES["rle8.bmp"] = bmp(
    8,
    2,
    8,
    bytes([8, 3, 0, 0, 3, 1, 0, 5, 0, 1, 2, 3, 0, 0, 0, 0, 0, 1]),
    noise(16 * 4).astype(np.uint8).tobytes(),
    compression=1,
)
FILES["alpha.bmp"] = bmp(
    8,
    6,
    32,
    noise(6 * 8 * 4).astype(np.uint8).tobytes(),
    compression=3,
    masks=struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000),
)


def line(name, kind, image):
    image = image.convert("RGB")
    return f"{name},{kind},{image.width},{image.height},{image.tobytes().hex()}\n"


lines = ""
for name, data in FILES.items():
    (HERE / name).write_bytes(data)
    image = Image.open(HERE / name)
    lines += line(name, "stored", image)
    lines += line(name, "upright", ImageOps.exif_transpose(Image.open(HERE / name)))
(HERE / "pillow.csv").write_text("file,kind,width,height,rgb\n" + lines)
