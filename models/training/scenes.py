"""Synthetic scenes and the questions asked about them.

A scene is a handful of coloured shapes on a pale background, a short sign, a moving object or a pair of pictures.
Every answer follows from the scene alone, so the generator is both the training set and the judge. Only PIL and
numpy are needed.
"""

import math
import os
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

COLORS = {
    "red": (220, 40, 40),
    "green": (40, 165, 60),
    "blue": (45, 80, 220),
    "yellow": (240, 210, 40),
    "purple": (140, 60, 180),
    "orange": (245, 140, 30),
    "black": (25, 25, 25),
    "pink": (245, 130, 185),
}
COLORS_ZH = {
    "red": "红色",
    "green": "绿色",
    "blue": "蓝色",
    "yellow": "黄色",
    "purple": "紫色",
    "orange": "橙色",
    "black": "黑色",
    "pink": "粉色",
}
SHAPES = ["circle", "square", "triangle", "star", "cross", "diamond"]
SHAPES_ZH = {
    "circle": "圆形",
    "square": "正方形",
    "triangle": "三角形",
    "star": "星形",
    "cross": "十字形",
    "diamond": "菱形",
}
SIZES = ["small", "large"]
SIZES_ZH = {"small": "小的", "large": "大的"}
PLURALS = {"cross": "crosses"}
ROWS, COLUMNS = ["top", "middle", "bottom"], ["left", "center", "right"]
MOVES = {
    "left to right": (-1, 0, 1, 0),
    "right to left": (1, 0, -1, 0),
    "top to bottom": (0, -1, 0, 1),
    "bottom to top": (0, 1, 0, -1),
}

CAPTION = [
    "Describe this image.",
    "Caption this picture.",
    "What is in the image?",
    "Write a caption.",
    "What do you see?",
]
CAPTION_ZH = ["描述这张图片。", "图中有什么?", "请介绍这张图片。", "写一句图片说明。"]
DETAIL = ["Describe this image in detail.", "Give a detailed description.", "Describe every object and where it is."]
READ = ["What does the sign say?", "Read the text.", "What is written here?"]
VIDEO = ["What happens in the video?", "Describe the video.", "How does the object move?"]
COMPARE = ["Compare the two pictures.", "What does each picture show?"]
GREETINGS = ["Who are you?", "What can you do?", "hi", "Hello!", "Introduce yourself."]
GREETINGS_ZH = ["你是谁?", "你能做什么?", "你好", "请介绍下你自己"]
ABOUT = "I am a tiny demonstration model. I can describe simple shapes, read short signs and follow a moving object."
ABOUT_ZH = "我是一个很小的演示模型,可以描述简单的图形。"
WORDS = list(COLORS) + SHAPES + ["small", "large", "left", "right", "top", "bottom", "video", "picture", "sign"]
SIGN_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without I, O, 0 and 1, which look alike

# Sides are multiples of 28, the edge of one merged patch: (height, width) and how often it is drawn.
GRIDS = {
    (112, 112): 30,
    (224, 224): 14,
    (112, 168): 8,
    (168, 112): 8,
    (140, 140): 8,
    (168, 224): 7,
    (196, 252): 8,
    (252, 196): 7,
    (84, 140): 4,
    (224, 168): 6,
}
VIDEO_FRAMES = [4, 6, 8]

SUPERSAMPLING = 3
FONT_FILES = [
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
]
_fonts = {}


@dataclass
class Thing:
    """One shape of a scene; `fill` overrides the jittered colour so that a video keeps one shade."""

    x: float
    y: float
    r: float
    size: str
    color: str
    shape: str
    fill: tuple = None


# ---------------------------------------------------------------------------------------------------- drawing


def font_folder():
    """Matplotlib carries the DejaVu fonts; without it the system's copy serves."""
    try:
        import matplotlib

        return os.path.join(matplotlib.get_data_path(), "fonts", "ttf")
    except ImportError:
        return "/usr/share/fonts/truetype/dejavu"


def load_font(name, pixels):
    if (name, pixels) not in _fonts:
        _fonts[name, pixels] = ImageFont.truetype(os.path.join(font_folder(), name), pixels)
    return _fonts[name, pixels]


def draw_background(rng, w, h):
    """A pale colour with a faint gradient along one axis, as float (h, w, 3)."""
    base = np.array([rng.randint(205, 255) for _ in range(3)], np.float32)
    vertical = rng.random() < 0.5
    gradient = np.linspace(-1, 1, h if vertical else w, dtype=np.float32) * rng.uniform(0, 12)
    gradient = gradient[:, None, None] if vertical else gradient[None, :, None]
    return np.broadcast_to(base, (h, w, 3)) + gradient


def add_noise(rng, picture):
    """Half of the pictures carry Gaussian noise."""
    if rng.random() < 0.5:
        noise = np.random.default_rng(rng.randrange(1 << 30))
        picture = picture + noise.normal(0, rng.uniform(0, 6), picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def jitter(rng, color):
    return tuple(max(0, min(255, v + rng.randint(-14, 14))) for v in color)


def outline(shape):
    """Corner points of a shape of radius one around the origin."""
    if shape == "square":
        return [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]
    if shape == "triangle":
        return [(0, -1), (0.95, 0.8), (-0.95, 0.8)]
    if shape == "diamond":
        return [(0, -1.1), (0.75, 0), (0, 1.1), (-0.75, 0)]
    if shape == "cross":
        a, b = 0.33, 1
        right = [(a, -b), (a, -a), (b, -a), (b, a), (a, a), (a, b)]
        left = [(-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a)]
        return [(-a, -b), *right, *left]
    if shape == "star":
        radii = [1.1 if i % 2 == 0 else 0.45 for i in range(10)]
        return [(r * math.sin(i * math.pi / 5), -r * math.cos(i * math.pi / 5)) for i, r in enumerate(radii)]
    raise ValueError(shape)


def draw_shape(draw, shape, x, y, r, fill):
    if shape == "circle":
        draw.ellipse([x - r, y - r, x + r, y + r], fill=fill)
    else:
        draw.polygon([(x + r * px, y + r * py) for px, py in outline(shape)], fill=fill)


def draw_sign(rng, draw, text, w, h):
    """Dark text of a random size at a random place that fits."""
    size = min(h * 0.55, w / (len(text) * 0.72 + 0.6)) * rng.uniform(0.6, 0.95)
    font = load_font(rng.choice(FONT_FILES), int(size * SUPERSAMPLING))
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    x = rng.uniform(2, max(2.1, w - (right - left) / SUPERSAMPLING - 2)) * SUPERSAMPLING - left
    y = rng.uniform(2, max(2.1, h - (bottom - top) / SUPERSAMPLING - 2)) * SUPERSAMPLING - top
    draw.text((x, y), text, font=font, fill=tuple(rng.randint(0, 90) for _ in range(3)))


def render(rng, w, h, things=(), sign=None, background=None, noise=True):
    """Draws a picture as uint8 (h, w, 3). Training asks for `noise=False` and adds the noise on the GPU."""
    if background is None:
        background = draw_background(rng, w, h)
    image = Image.fromarray(background.clip(0, 255).astype(np.uint8))
    image = image.resize((w * SUPERSAMPLING, h * SUPERSAMPLING), Image.NEAREST)
    draw = ImageDraw.Draw(image)
    for t in things:
        fill = t.fill or jitter(rng, COLORS[t.color])
        draw_shape(draw, t.shape, t.x * SUPERSAMPLING, t.y * SUPERSAMPLING, t.r * SUPERSAMPLING, fill)
    if sign:
        draw_sign(rng, draw, sign, w, h)
    picture = np.asarray(image.reduce(SUPERSAMPLING))
    return add_noise(rng, picture.astype(np.float32)) if noise else picture


# ---------------------------------------------------------------------------------------------------- wording


def article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def plural(shape):
    return PLURALS.get(shape, shape + "s")


def describe(thing):
    return f"{thing.size} {thing.color} {thing.shape}"


def describe_zh(thing):
    return f"一个{SIZES_ZH[thing.size]}{COLORS_ZH[thing.color]}{SHAPES_ZH[thing.shape]}"


def place(thing, w, h):
    row = ROWS[min(2, int(3 * thing.y / h))]
    column = COLUMNS[min(2, int(3 * thing.x / w))]
    return "center" if (row, column) == ("middle", "center") else f"{row} {column}"


def caption(things):
    parts = [article(describe(t)) for t in things]
    sentence = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return sentence[0].upper() + sentence[1:] + "."


def caption_zh(things):
    return "图中有" + "、".join(describe_zh(t) for t in things) + "。"


def detail(things, w, h):
    return " ".join(f"There is {article(describe(t))} at the {place(t, w, h)}." for t in things)


def count_answer(things, shape):
    n = sum(t.shape == shape for t in things)
    return f"There is 1 {shape}." if n == 1 else f"There are {n or 'no'} {plural(shape)}."


def moves(thing, move):
    return f"A {describe(thing)} stays still." if move == "still" else f"A {describe(thing)} moves from {move}."


# ---------------------------------------------------------------------------------------------------- scenes


def radius(rng, size, scale):
    return scale * (rng.uniform(8.5, 11.5) if size == "small" else rng.uniform(17, 22))


def arrange(rng, w, h, n):
    """n things that do not overlap, from left to right with clearly different x."""
    scale = min(w, h) / 112
    for _ in range(200):
        things = []
        for _ in range(60):
            if len(things) == n:
                break
            size = rng.choice(SIZES)
            r = radius(rng, size, scale)
            x, y = rng.uniform(r * 1.1, w - r * 1.1), rng.uniform(r * 1.1, h - r * 1.1)
            apart = all(math.hypot(x - t.x, y - t.y) > (r + t.r) * 1.12 and abs(x - t.x) > 10 * scale for t in things)
            if apart:
                things.append(Thing(x, y, r, size, rng.choice(list(COLORS)), rng.choice(SHAPES)))
        if len(things) == n:
            return sorted(things, key=lambda t: t.x)
    return arrange(rng, w, h, n - 1)


def how_many(rng):
    return rng.choices([1, 2, 3], [3, 4, 4])[0]


def clear_of_grid_lines(things, w, h):
    """Whether no thing is so near a line between two thirds that naming its place would be a guess."""
    return all(
        min(abs(t.x / w - k / 3) for k in (1, 2)) > 0.035 and min(abs(t.y / h - k / 3) for k in (1, 2)) > 0.035
        for t in things
    )


def same_shape(things):
    for t in things[1:]:
        t.shape = things[0].shape


def ask(rng, task, things, w, h):
    """One question of the given task about a scene, or None where the scene does not allow it."""
    if task == "caption":
        return rng.choice(CAPTION), caption(things)
    if task == "caption_zh":
        return rng.choice(CAPTION_ZH), caption_zh(things)
    if task == "detail":
        return (rng.choice(DETAIL), detail(things, w, h)) if clear_of_grid_lines(things, w, h) else None
    if task == "count":
        shape = things[0].shape if rng.random() < 0.75 else rng.choice(SHAPES)
        return f"How many {plural(shape)} are there?", count_answer(things, shape)
    if task == "color":
        thing = rng.choice(things)
        if sum(t.shape == thing.shape for t in things) > 1:
            return None
        return f"What color is the {thing.shape}?", f"The {thing.shape} is {thing.color}."
    raise ValueError(task)


# ---------------------------------------------------------------------------------------------------- samples
# Each returns (pictures, question, answer); pictures is uint8 (frames, h, w, 3), or None for plain text.


def scene_sample(rng, w, h, task):
    while True:
        things = arrange(rng, w, h, how_many(rng))
        if task == "count" and rng.random() < 0.5:
            same_shape(things)
        asked = ask(rng, task, things, w, h)
        if asked:
            return render(rng, w, h, things)[None], *asked


def sign_text(rng):
    return "".join(rng.choice(SIGN_LETTERS) for _ in range(rng.randint(1, 5)))


def sign_sample(rng, w, h, noise=True):
    text = sign_text(rng)
    return render(rng, w, h, sign=text, noise=noise)[None], rng.choice(READ), f"The text says {text}."


def trajectory(thing, w, h, move, offset, frames):
    """The thing's centre in each frame; `offset` in -1..1 shifts it across the direction of travel."""
    reach_x, reach_y = w / 2 - thing.r * 1.15, h / 2 - thing.r * 1.15
    if move == "still":
        return [(w / 2 + offset * reach_x, h / 2 + offset * reach_y * 0.7)] * frames
    x0, y0, x1, y1 = MOVES[move]
    points = []
    for i in range(frames):
        t = i / (frames - 1)
        u, v = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
        points.append((w / 2 + reach_x * (u if x0 or x1 else offset), h / 2 + reach_y * (v if y0 or y1 else offset)))
    return points


def video_sample(rng, w, h, frames, noise=True):
    size, color, shape = rng.choice(SIZES), rng.choice(list(COLORS)), rng.choice(SHAPES)
    thing = Thing(0, 0, radius(rng, size, min(w, h) / 112), size, color, shape, jitter(rng, COLORS[color]))
    background = draw_background(rng, w, h)
    move = rng.choice(list(MOVES) + ["still"])
    pictures = []
    for thing.x, thing.y in trajectory(thing, w, h, move, rng.uniform(-1, 1), frames):
        pictures.append(render(rng, w, h, [thing], background=background, noise=noise))
    return np.stack(pictures), rng.choice(VIDEO), moves(thing, move)


def pair_sample(rng, w, h, noise=True):
    things = [arrange(rng, w, h, 1) for _ in range(2)]
    answer = " ".join(f"Picture {i} shows {article(describe(t[0]))}." for i, t in enumerate(things, 1))
    return np.stack([render(rng, w, h, t, noise=noise) for t in things]), rng.choice(COMPARE), answer


def text_sample(rng, task=None):
    task = task or rng.choices(["add", "count_to", "about", "about_zh", "repeat"], [50, 15, 8, 7, 20])[0]
    if task == "add":
        a, b = rng.randint(0, 99), rng.randint(0, 99)
        return None, f"What is {a} plus {b}?", f"{a} plus {b} is {a + b}."
    if task == "count_to":
        n = rng.randint(2, 40)
        return None, f"Count from 1 to {n}.", ", ".join(str(i) for i in range(1, n + 1)) + "."
    if task == "about":
        return None, rng.choice(GREETINGS), ABOUT
    if task == "about_zh":
        return None, rng.choice(GREETINGS_ZH), ABOUT_ZH
    if task == "repeat":
        words = " ".join([rng.choice(WORDS) for _ in range(rng.randint(1, 6))])
        return None, f"Repeat: {words}", words
    raise ValueError(task)


PICTURE_KINDS = ["caption", "caption_zh", "detail", "count", "color", "read"]
KINDS = PICTURE_KINDS + ["video", "pair", "add", "count_to", "about", "repeat"]


def sample(rng, kind):
    """A fresh example of one of KINDS at a random training size: (pictures, question, answer)."""
    if kind in PICTURE_KINDS:
        h, w = rng.choices(list(GRIDS), list(GRIDS.values()))[0]
        return sign_sample(rng, w, h) if kind == "read" else scene_sample(rng, w, h, kind)
    if kind == "video":
        return video_sample(rng, 112, 112, rng.choice(VIDEO_FRAMES))
    if kind == "pair":
        return pair_sample(rng, 112, 112)
    if kind == "about":
        return text_sample(rng, rng.choice(["about", "about_zh"]))
    return text_sample(rng, kind)
