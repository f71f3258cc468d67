"""Split lists and shards of UCF101."""

from made_videos import write_avi

from tfrecords_tools import write

CLASSES = ("ApplyEyeMakeup", "HandstandPushups")
GROUPS = {"train": range(8, 14), "test": range(1, 4)}


def name(action, group, clip):
    # The original spells this class with another capital in names of files.
    stem = action.replace("stand", "Stand")
    return f"{action}/v_{stem}_g{group:02d}_c{clip:02d}.avi"


def lists(folder, train, test, number=1, end="\n"):
    folder.mkdir(parents=True, exist_ok=True)
    classes = [f"{i} {action}" for i, action in enumerate(CLASSES, 1)]
    train = [f"{n} {1 + CLASSES.index(n.split('/')[0])}" for n in train]
    for file, lines in (
        ("classInd", classes),
        (f"trainlist0{number}", train),
        (f"testlist0{number}", test),
    ):
        text = "".join(line + end for line in lines)
        (folder / f"{file}.txt").write_bytes(text.encode())


def names(groups, clips=2):
    return [
        name(action, group, clip + 1)
        for action in CLASSES
        for group in groups
        for clip in range(clips)
    ]


def ucf101_shards(folder):
    """Builds `folder/shards/ucf101`."""
    train, test = (names(GROUPS[split]) for split in ("train", "test"))
    for video in train + test:
        path = folder / "raw" / "UCF-101" / video
        path.parent.mkdir(parents=True, exist_ok=True)
        write_avi(path, 20)
    lists(folder / "raw" / "ucfTrainTestlist", train, test)
    write.build("ucf101", folder / "raw", folder / "shards")
