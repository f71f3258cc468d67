"""Split lists in the format of HMDB51."""

import collections


def write_lists(folder, part_of, split=1):
    lines = collections.defaultdict(list)
    for name, part in part_of.items():
        action, _, file = name.partition("/")
        lines[action].append(f"{file} {part} \n")
    folder.mkdir(parents=True, exist_ok=True)
    for action in lines:
        path = folder / f"{action}_test_split{split}.txt"
        path.write_text("".join(lines[action]))
