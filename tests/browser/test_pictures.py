"""Pictures for the documentation are small, and show what was there."""

import base64

import pytest

from tests.support.pictures import small_png

pytestmark = pytest.mark.browser

COLORS = """<body style="margin:0;display:flex">
<p style="margin:0;width:50%;height:100vh;background:#2451b2"></p>
<p style="margin:0;width:50%;height:100vh;background:#fdf1d6"></p>"""
GRADIENT = (
    """<body style="margin:0;height:100vh;background:linear-gradient(90deg,#f00,#0f0,#00f)">"""
)
# More shades than a palette has, each on more pixels than the green.
GRAYS = "<body style='margin: 0'>" + "".join(
    f"<i style='float: left; width: 2px; height: 40px; background: rgb({n * 7 % 256} {n * 7 % 256} {n % 256})'></i>"
    for n in range(300)
)
READ = """async ([source, x, y]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + source;
  await image.decode();
  const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
  context.drawImage(image, 0, 0);
  return [image.width, image.height, ...context.getImageData(x, y, 1, 1).data.slice(0, 3)];
}"""


@pytest.fixture
def page(open_page):
    page = open_page()
    page.set_viewport_size({"width": 600, "height": 40})
    return page


def pixel(page, png, x, y):
    return page.evaluate(READ, [base64.b64encode(png).decode(), x, y])


def test_a_picture_of_few_colors_keeps_every_pixel(page):
    page.set_content(COLORS)

    made = small_png(page, page.screenshot())

    assert pixel(page, made, 0, 0) == [600, 40, 0x24, 0x51, 0xB2]
    assert pixel(page, made, 599, 39) == [600, 40, 0xFD, 0xF1, 0xD6]


def test_a_picture_of_many_colors_takes_the_nearest_of_256(page):
    page.set_content(GRADIENT)
    png = page.screenshot()

    made = small_png(page, png)

    for x in (0, 150, 450, 599):
        before, after = pixel(page, png, x, 20), pixel(page, made, x, 20)
        assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 64
    assert b"PLTE" in made


def test_the_few_green_pixels_of_a_state_stay_green_beside_many_grays(page):
    page.set_content(
        f"{GRAYS}<i style='position: absolute; left: 8px; top: 8px; width: 4px; height: 4px; background: #1a8f55'></i>"
    )

    made = small_png(page, page.screenshot())

    assert pixel(page, made, 10, 10) == [600, 40, 0x1A, 0x8F, 0x55]
