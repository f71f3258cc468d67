"""Writes shards with Apache Beam, on this machine or on a cluster.

Records are made by the same function as with threads, `shards.record`, and the
same shards hold them in the same order.
"""

import json
import uuid

import apache_beam
from apache_beam.options import pipeline_options

from tfrecords_tools import storage
from tfrecords_tools.shards import record
from tfrecords_tools.shards import write_shard


def write_shards(folder, shards, work, options):
    """Writes shards.

    Args:
        folder: `epath.Path` that all workers see; it is still empty.
        shards: List of `shards.Shard`.
        work: `shards.Work`.
        options: List of options of Beam, as in `["--runner=DirectRunner"]`.

    Returns:
        List of what `shards.write_shard` returned, in the order of `shards`.
    """
    videos = [
        (shard.file, number, video)
        for shard in shards
        for number, video in enumerate(shard.videos)
    ]
    settings = pipeline_options.PipelineOptions(options)
    with apache_beam.Pipeline(options=settings) as pipeline:
        _ = (
            pipeline
            | "Videos" >> apache_beam.Create(videos)
            | "Spread" >> apache_beam.Reshuffle()
            | "Decode" >> apache_beam.Map(_record, work)
            | "Gather" >> apache_beam.GroupByKey()
            | "Write" >> apache_beam.Map(_write, str(folder))
        )
    written = [_notes(folder, shard.file) for shard in shards]
    files = {shard.file for shard in shards}
    for path in folder.iterdir():  # left by attempts that failed
        if path.name not in files:
            path.unlink()
    return written


def _record(element, work):
    file, number, video = element
    return file, (number, video.id, record(video, work))


def _write(element, folder):
    """Writes a shard, and beside it what the manifest will say about it.

    Beam may do so twice, even at once; the bytes are the same.
    """
    file, results = element
    folder, own = storage.path(folder), f"{uuid.uuid4().hex}-{file}"
    in_order = sorted(results, key=lambda result: result[0])
    written = write_shard(folder, own, (r[1:] for r in in_order))
    written["shard"]["file"] = file
    (folder / f"{own}.json").write_text(json.dumps(written))
    (folder / own).replace(folder / file)
    (folder / f"{own}.json").replace(folder / f"{file}.json")


def _notes(folder, file):
    return json.loads((folder / f"{file}.json").read_text())
