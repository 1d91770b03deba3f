"""Pictures of the demonstration, painted rather than shipped: skies, hills, greens and courts in a few palettes."""

import math
import random
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

WIDTH, HEIGHT = 1600, 1000
Colour = tuple[int, int, int]

SKIES: dict[str, tuple[str, str, str]] = {
    # name -> (top, horizon, sun)
    "dawn": ("#7fa7c9", "#f6d3b3", "#fff1d6"),
    "noon": ("#3f8ec4", "#cfe8f3", "#fffbe8"),
    "dusk": ("#32406e", "#f0a06a", "#ffd9a0"),
    "rain": ("#6c7883", "#b9c2c6", "#dfe5e6"),
    "night": ("#0f1b33", "#3c4f78", "#f3f0dc"),
}
GREENS = ("#7fae6b", "#5d9457", "#3f7a4b", "#2f5d50")
CLAYS = ("#d68a5c", "#c4703f", "#b05c31", "#8f4726")


def _sky(name: str) -> Image.Image:
    top, horizon, _sun = SKIES[name]
    ramp = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    return ImageOps.colorize(ramp, top, horizon)


def _sun(image: Image.Image, name: str, x: float, y: float, radius: int) -> Image.Image:
    """The sun or moon with its glow."""
    glow = Image.new("RGB", image.size)
    draw = ImageDraw.Draw(glow)
    centre_x, centre_y = WIDTH * x, HEIGHT * y
    draw.ellipse(_box(centre_x, centre_y, radius * 2.2), fill="#5a4a38")
    image = ImageChops.screen(image, glow.filter(ImageFilter.GaussianBlur(90)))
    ImageDraw.Draw(image).ellipse(_box(centre_x, centre_y, radius), fill=SKIES[name][2])
    return image


def _box(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return (x - radius, y - radius, x + radius, y + radius)


def _ridge(chance: random.Random, base: float, swing: float) -> list[tuple[float, float]]:
    """The line of a hill from the left edge to the right."""
    phase, waves = chance.uniform(0, 6.28), chance.uniform(0.8, 1.7)
    return [
        (
            x,
            HEIGHT * base
            + HEIGHT * swing * math.sin(phase + waves * 6.28 * x / WIDTH)
            + HEIGHT * swing * 0.35 * math.sin(phase * 2 + waves * 15 * x / WIDTH),
        )
        for x in range(0, WIDTH + 20, 20)
    ]


def _hills(image: Image.Image, chance: random.Random, colours: tuple[str, ...]) -> None:
    draw = ImageDraw.Draw(image)
    for number, colour in enumerate(colours):
        ridge = _ridge(chance, 0.52 + 0.13 * number, 0.05)
        draw.polygon([(0, HEIGHT), *ridge, (WIDTH, HEIGHT)], fill=colour)


def _flag(draw: ImageDraw.ImageDraw, x: float, y: float, height: float) -> None:
    draw.ellipse((x - 150, y - 26, x + 150, y + 30), fill="#8fc07a")
    draw.ellipse((x - 14, y - 5, x + 14, y + 7), fill="#1d3a30")
    draw.line((x, y, x, y - height), fill="#f4f1ea", width=8)
    draw.polygon([(x, y - height), (x + 120, y - height + 34), (x, y - height + 72)], fill="#c8452f")


def _river(draw: ImageDraw.ImageDraw, colour: str) -> None:
    left, right = [], []
    for step in range(41):
        down = step / 40
        middle = WIDTH * (0.62 - 0.18 * math.sin(down * 4.2))
        width = 14 + 190 * down**2
        y = HEIGHT * (0.62 + 0.38 * down)
        left.append((middle - width, y))
        right.append((middle + width, y))
    draw.polygon([*left, *reversed(right)], fill=colour)


def course(seed: str, sky: str) -> Image.Image:
    """A golf course under one of the skies."""
    chance = random.Random(seed)  # noqa: S311  the same picture each time
    image = _sun(_sky(sky), sky, chance.uniform(0.2, 0.8), chance.uniform(0.18, 0.4), chance.randint(48, 80))
    _hills(image, chance, GREENS)
    draw = ImageDraw.Draw(image)
    _river(draw, SKIES[sky][0])
    _flag(draw, WIDTH * chance.uniform(0.16, 0.36), HEIGHT * 0.86, 300)
    return image


def court(seed: str, sky: str) -> Image.Image:
    """A clay court under one of the skies."""
    chance = random.Random(seed)  # noqa: S311  the same picture each time
    image = _sun(_sky(sky), sky, chance.uniform(0.2, 0.8), chance.uniform(0.15, 0.3), 60)
    _hills(image, chance, ("#5b8a62", "#47734f"))
    draw = ImageDraw.Draw(image)
    far, near = HEIGHT * 0.66, HEIGHT

    def across(share: float, down: float) -> tuple[float, float]:
        spread = 0.3 + 0.75 * down
        return (WIDTH * (0.5 + (share - 0.5) * spread), far + (near - far) * down)

    draw.polygon([across(-0.4, 0), across(1.4, 0), across(1.4, 1), across(-0.4, 1)], fill=chance.choice(CLAYS))
    for share in (0.0, 0.12, 0.88, 1.0):
        draw.line([across(share, 0.05), across(share, 1)], fill="#f7f2e8", width=7)
    for down in (0.05, 0.45):
        draw.line([across(0, down), across(1, down)], fill="#f7f2e8", width=7)
    draw.ellipse(_box(WIDTH * 0.7, HEIGHT * 0.9, 26), fill="#dff05a")
    return image


def shop(seed: str, sky: str) -> Image.Image:
    """A row of clubs against a wall in the light of one of the skies."""
    chance = random.Random(seed)  # noqa: S311  the same picture each time
    image = ImageOps.colorize(Image.radial_gradient("L").resize((WIDTH, HEIGHT)), SKIES[sky][1], "#6d4a2e")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, HEIGHT * 0.8, WIDTH, HEIGHT), fill="#4b3220")
    for number in range(7):
        x = 180 + number * 205 + chance.randint(-20, 20)
        lean = chance.randint(-30, 30)
        top = HEIGHT * chance.uniform(0.12, 0.2)
        draw.line((x + lean, top, x, HEIGHT * 0.78), fill="#d8d4cc", width=11)
        draw.line((x + lean, top, x + lean * 0.7, top + 190), fill="#22211f", width=19)
        head = chance.choice(("#2f5d50", "#22211f", "#8c8f94"))
        draw.ellipse((x - 60, HEIGHT * 0.74, x + 30, HEIGHT * 0.81), fill=head)
    return image


SCENES = {"course": course, "court": court, "shop": shop}


def paint(scene: str, sky: str, seed: str) -> bytes:
    """A scene as a JPEG of 1600 x 1000; the same words give the same bytes."""
    image = SCENES[scene](seed, sky).filter(ImageFilter.SMOOTH)
    stream = BytesIO()
    image.save(stream, "JPEG", quality=88)
    return stream.getvalue()
