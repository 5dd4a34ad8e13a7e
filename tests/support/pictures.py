"""Pictures of pages as small PNG files: at most 256 colors, which screens hardly exceed."""

import base64
import struct
import zlib
from typing import Final

from playwright.sync_api import Page

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PALETTE: Final = 3  # the color type
# The most frequent color, then one by one that which its pixels lack most: so the few green ones of a state
# stay green beside many shades of gray. Each other pixel takes the nearest color.
_QUANTIZE: Final = """async (source) => {
  const image = new Image();
  image.src = "data:image/png;base64," + source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, image.width, image.height).data;
  const count = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const color = data[i] << 16 | data[i + 1] << 8 | data[i + 2];
    count.set(color, (count.get(color) || 0) + 1);
  }
  const far = (one, other) =>
    [16, 8, 0].reduce((sum, shift) => sum + ((one >> shift & 255) - (other >> shift & 255)) ** 2, 0);
  const wanted = [...count].map(([color, times]) => ({ color, times, least: 3 * 256 ** 2, place: 0 }));
  const lack = (each) => each.times * each.least;
  const palette = [];
  while (palette.length < 256) {
    const next = wanted.reduce((most, each) => lack(each) > lack(most) ? each : most);
    if (!lack(next)) break;
    for (const each of wanted) {
      const least = far(each.color, next.color);
      if (least < each.least) Object.assign(each, { least, place: palette.length });
    }
    palette.push(next.color);
  }
  const place = new Map(wanted.map((each) => [each.color, each.place]));
  let indices = "";
  for (let i = 0; i < data.length; i += 4) {
    const color = data[i] << 16 | data[i + 1] << 8 | data[i + 2];
    indices += String.fromCharCode(place.get(color));
  }
  return { width: image.width, height: image.height, palette, indices: btoa(indices) };
}"""


def small_png(blank: Page, png: bytes) -> bytes:
    """The picture with at most 256 colors; `blank` is a window without a page's policy."""
    made = blank.evaluate(_QUANTIZE, base64.b64encode(png).decode())
    width, height = made["width"], made["height"]
    pixels = base64.b64decode(made["indices"])
    rows = b"".join(b"\0" + pixels[y * width : (y + 1) * width] for y in range(height))
    colors = b"".join(color.to_bytes(3, "big") for color in made["palette"])
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", colors),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
