"""The puppets: their actions, their pairs, their looks and their clothes."""

from typing import NamedTuple

ACTIONS = (
    "approaching",
    "departing",
    "kicking",
    "punching",
    "pushing",
    "hugging",
    "shaking hands",
    "exchanging",
)

SETS = (
    "s01s02",
    "s02s01",
    "s01s03",
    "s01s07",
    "s07s01",
    "s02s03",
    "s03s02",
    "s02s06",
    "s06s02",
    "s02s07",
    "s03s04",
    "s04s03",
    "s03s05",
    "s05s03",
    "s03s06",
    "s06s03",
    "s04s02",
    "s04s06",
    "s06s04",
    "s05s02",
    "s07s03",
)


class Cloth(NamedTuple):
    """A colour, that of the texture, and its name (see `drawing.texture`)."""

    colour: tuple
    second: tuple
    texture: str


class Actor(NamedTuple):
    """The look of one actor, which is all that identifies it."""

    height: float  # metres
    build: float  # factor of the breadth
    skin: tuple
    hair: tuple
    style: str
    glasses: str
    beard: str
    brows: float  # half their height, in radii of the head
    lips: tuple
    sleeves: str
    top: Cloth
    bottom: Cloth
    shoes: tuple


ACTORS = (
    Actor(
        height=1.83,
        build=0.88,
        skin=(236, 196, 164),
        hair=(38, 28, 24),
        style="short",
        glasses="clear",
        beard="",
        brows=0.06,
        lips=(186, 106, 96),
        sleeves="long",
        top=Cloth((204, 36, 40), (246, 240, 232), "hoops"),
        bottom=Cloth((44, 62, 110), (44, 62, 110), "plain"),
        shoes=(240, 240, 240),
    ),
    Actor(
        height=1.66,
        build=0.84,
        skin=(250, 218, 196),
        hair=(232, 190, 88),
        style="long",
        glasses="",
        beard="",
        brows=0.04,
        lips=(206, 40, 66),
        sleeves="short",
        top=Cloth((22, 140, 140), (250, 226, 90), "dots"),
        bottom=Cloth((36, 34, 40), (36, 34, 40), "plain"),
        shoes=(190, 40, 60),
    ),
    Actor(
        height=1.75,
        build=1.30,
        skin=(176, 122, 84),
        hair=(24, 20, 20),
        style="bald",
        glasses="",
        beard="full",
        brows=0.10,
        lips=(150, 80, 74),
        sleeves="short",
        top=Cloth((240, 200, 40), (240, 200, 40), "plain"),
        bottom=Cloth((116, 92, 72), (70, 52, 40), "pins"),
        shoes=(60, 40, 30),
    ),
    Actor(
        height=1.56,
        build=1.02,
        skin=(222, 174, 132),
        hair=(48, 30, 22),
        style="bun",
        glasses="",
        beard="",
        brows=0.05,
        lips=(196, 84, 110),
        sleeves="long",
        top=Cloth((126, 52, 150), (240, 150, 200), "checks"),
        bottom=Cloth((188, 188, 196), (120, 120, 132), "checks"),
        shoes=(40, 40, 44),
    ),
    Actor(
        height=1.89,
        build=1.12,
        skin=(104, 68, 48),
        hair=(18, 14, 14),
        style="afro",
        glasses="",
        beard="goatee",
        brows=0.08,
        lips=(110, 52, 52),
        sleeves="short",
        top=Cloth((240, 244, 240), (30, 140, 60), "pins"),
        bottom=Cloth((196, 172, 124), (196, 172, 124), "plain"),
        shoes=(30, 120, 60),
    ),
    Actor(
        height=1.71,
        build=0.98,
        skin=(246, 206, 184),
        hair=(206, 92, 30),
        style="spiky",
        glasses="",
        beard="moustache",
        brows=0.09,
        lips=(196, 110, 100),
        sleeves="long",
        top=Cloth((40, 84, 214), (120, 200, 250), "diamonds"),
        bottom=Cloth((40, 84, 56), (40, 84, 56), "plain"),
        shoes=(110, 70, 40),
    ),
    Actor(
        height=1.62,
        build=1.18,
        skin=(206, 152, 116),
        hair=(150, 150, 156),
        style="cap",
        glasses="dark",
        beard="",
        brows=0.06,
        lips=(170, 90, 84),
        sleeves="long",
        top=Cloth((244, 126, 24), (40, 30, 30), "pins"),
        bottom=Cloth((122, 24, 44), (200, 110, 120), "dots"),
        shoes=(24, 24, 24),
    ),
)
