"""The picture files of this folder and what Pillow makes of them (NAME.expected.png). Needs Pillow with WebP, and numpy."""

import os
import struct

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageOps

here = os.path.dirname(os.path.abspath(__file__))
W, H = 34, 26
yy, xx = np.mgrid[0:H, 0:W]
base = Image.fromarray(np.stack([xx * 255 // W, yy * 255 // H, 255 - xx * 7], -1).clip(0, 255).astype(np.uint8))
d = ImageDraw.Draw(base)
d.rectangle([2, 2, 12, 8], fill=(200, 30, 20))
d.ellipse([18, 10, 30, 22], fill=(20, 180, 60))
alpha = Image.fromarray((xx * 255 // (W - 1)).astype(np.uint8))
rgba = base.copy()
rgba.putalpha(alpha)
grey = base.convert("L")


def path(name):
    return os.path.join(here, name)


def expect(name, flat=None):
    if flat is None:
        im = ImageOps.exif_transpose(Image.open(path(name)))
        if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
            im = im.convert("RGBA")
            flat = Image.new("RGB", im.size, (255, 255, 255))
            flat.paste(im, (0, 0), im.split()[3])
        else:
            flat = im.convert("RGB")
    flat.save(path(name + ".expected.png"), optimize=True)


def save(name, im, flat=None, **kw):
    im.save(path(name), **kw)
    expect(name, flat)


def png16(name, colour, samples):
    """A PNG of 16 bits a sample, which Pillow does not write."""
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    head = struct.pack(">IIBBBBB", W, H, 16, colour, 0, 0, 0)
    with open(path(name), "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


undo = {2: 0, 3: 1, 4: 2}
stored = {
    1: base,
    2: base.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: base.transpose(Image.Transpose.ROTATE_180),
    4: base.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: base.transpose(Image.Transpose.TRANSPOSE),
    6: base.transpose(Image.Transpose.ROTATE_90),
    7: base.transpose(Image.Transpose.TRANSVERSE),
    8: base.transpose(Image.Transpose.ROTATE_270),
}
for value, im in stored.items():
    exif = Image.Exif()
    exif[0x0112] = value
    save(f"exif-{value}.jpg", im, quality=95, subsampling=0, exif=exif)
exif = Image.Exif()
exif[0x0112] = 6
save("exif-6.png", stored[6], exif=exif)
save("exif-6.webp", stored[6], lossless=True, exif=exif)

save("subsampled.jpg", base, quality=90)
save("progressive.jpg", base, quality=95, subsampling=0, progressive=True)
save("grey.jpg", grey, quality=95)
save("cmyk.jpg", base.convert("CMYK"), quality=95)
profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
red = struct.unpack(">I", profile[profile.find(b"rXYZ") + 4 :][:4])[0]
profile[red + 8 : red + 12] = struct.pack(">i", 0x9000)  # another red than sRGB's
save("profile.jpg", base, quality=95, icc_profile=bytes(profile))
save("rgba.png", rgba)
save("grey-alpha.png", Image.merge("LA", (grey, alpha)))
save("palette.png", base.quantize(200))
save("palette-4.png", base.quantize(14), bits=4)
save("palette-alpha.png", rgba.quantize(60))
save("one-bit.png", base.convert("1"))
save("grey.png", grey)
wide = np.asarray(base).astype(np.uint16) * 257 - (np.asarray(base) > 0) * 100
png16("rgb-16.png", 2, wide)
expect("rgb-16.png", Image.fromarray((wide >> 8).astype(np.uint8)))
png16("grey-16.png", 0, wide[:, :, :1])
expect("grey-16.png", Image.fromarray((wide[:, :, 0] >> 8).astype(np.uint8)).convert("RGB"))
save("lossy.webp", base, quality=95)
save("lossy-odd.webp", base.crop((0, 0, W - 1, H - 1)), quality=60)
save("lossy-alpha.webp", rgba, quality=90)
save("moving.webp", base, save_all=True, append_images=[base.rotate(90)], duration=100, lossless=True)
save("lossless.webp", base, lossless=True)
save("alpha.webp", rgba, lossless=True, exact=True)
save("first.gif", base.quantize(64), save_all=True, append_images=[base.rotate(90).quantize(64)], duration=100)
save("rgb.bmp", base)
save("palette.bmp", base.quantize(200))
save("blank-alpha.bmp", rgba, flat=base)  # 32 bits, whose fourth byte means nothing
