# The database, the operator and vanectl in one image. `make image` puts together what this takes:
# the programs as the host built them, so that RocksDB is not compiled a second time, and the
# libraries that they were linked against, which a small base may lack or have in older versions.
#
#   BASE   a base with glibc of the host's version or later, of which nothing else is used;
#          scratch works too (`make image BASE=scratch` brings the C library along; glibc 2.34 or
#          later, which finds names of hosts without further files)
ARG BASE=debian:bookworm-slim
FROM ${BASE}
COPY root/ /
ENV PATH=/usr/local/bin:/usr/bin:/bin LD_LIBRARY_PATH=/usr/local/lib/vane
# A base that does not fit fails here and not in somebody's pod. No shell: the base may have none.
RUN ["/usr/local/bin/vane", "--version"]
RUN ["/usr/local/bin/vane-operator", "--version"]
RUN ["/usr/local/bin/vanectl", "--version"]
# Nobody in particular; the volume belongs to the group (fsGroup). Nothing else is written to.
USER 65532:65532
EXPOSE 6333 6334 6335
ENTRYPOINT ["/usr/local/bin/vane"]
CMD ["serve"]
