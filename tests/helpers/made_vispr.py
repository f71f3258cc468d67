"""Pictures, annotations and shards of VISPR."""

import json

from made_videos import gray
from PIL import Image

from tfrecords_tools import write

ATTRIBUTES = [
    "a0_safe",
    "a12_semi_nudity",
    "a59_sports",
    "a65_rel_social",
    "a4_gender",
    "a9_face_complete",
    "a17_color",
]


def annotate(root, folder, number, labels):
    path = root / "annotations" / folder / f"2017_{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    image = f"{folder}/2017_{number}.jpg"
    content = {"id": f"2017_{number}", "image_path": image, "labels": labels}
    path.write_text(json.dumps(content))
    return root / image


def write_image(root, folder, number, labels, height=48, width=64):
    path = annotate(root, folder, number, labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(gray(0, height, width))
    image.save(path, quality=95, comment=str(path))  # no copy of another
    return path


def vispr_shards(folder):
    """Builds `folder/shards/vispr`, and those of the attributes of Sec. 5.5."""
    for split, count in (("train", 20), ("val", 8), ("test", 8)):
        for i in range(count):
            number = 100 * len(split) + i
            labels = [ATTRIBUTES[i % 7], ATTRIBUTES[i // 4 % 7]]
            write_image(folder / "pictures", f"{split}2017", number, labels)
    write.build("vispr", folder / "pictures", folder / "shards")
    five = folder / "shards_of_sec55"
    write.build("vispr", folder / "pictures", five, attributes="sec55")
