# The server in a container:  docker build -t chistream .          with CUDA and CPU workers
#                             docker build -t chistream --build-arg DEVICE=cpu .
# Run with a spool that outlives it; the daemon listens on loopback only, so on the host's:
#     docker run --gpus all --network host -v /srv/spool:/spool chistream
# The gateway is in it too:
#     docker run --network host --entrypoint chistream-gateway -v /srv/gateway:/spool -v /etc/chistream:/etc/chistream:ro \
#         chistream serve --config /etc/chistream/gateway.json --state /spool
ARG DEVICE=cuda

FROM nvidia/cuda:13.0.1-devel-ubuntu24.04 AS build-cuda
FROM ubuntu:24.04 AS build-cpu

FROM build-${DEVICE} AS build
WORKDIR /src
COPY deploy/install.sh deploy/packages.txt deploy/
RUN apt-get update -q && deploy/install.sh
COPY . .
RUN deploy/build.sh auto -DQSM_TESTS=OFF -DQSM_BENCH=OFF >/tmp/folder && \
    deploy/stage.sh "$(tail -1 /tmp/folder)" /stage

FROM ubuntu:24.04
COPY --from=build /stage /opt/chistream
RUN echo /opt/chistream/lib >/etc/ld.so.conf.d/chistream.conf && ldconfig && \
    useradd --system --no-create-home chistream && install -d -o chistream /spool
ENV PATH=/opt/chistream/bin:$PATH \
    DCMDICTPATH=/opt/chistream/share/dicom.dic \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER chistream
VOLUME /spool
ENTRYPOINT ["chistreamd", "--spool", "/spool", "--worker-dir", "/opt/chistream/bin"]
CMD ["--listen", "127.0.0.1:50151"]
