# syntax=docker/dockerfile:1
# One image with every program of the product:
#   docker build --build-arg VERSION=v1.2.3 --build-arg COMMIT="$(git rev-parse HEAD)" -t airbyte-provisioner:v1.2.3 .
# It starts the API; the worker is `docker run ... worker`, the client `docker run ... provisionctl`.

# The minor version that go.mod asks for.
ARG GO_VERSION=1.26

FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS build
WORKDIR /src
# The modules first: a change of the code alone does not fetch them again.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY cmd ./cmd
COPY internal ./internal
# Set by buildx for --platform; empty otherwise, which means the builder's own.
ARG TARGETOS TARGETARCH
# There is no repository in here to ask for them.
ARG VERSION="" COMMIT=""
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    mkdir /out && CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X airbyte-provisioner/internal/telemetry.version=$VERSION -X airbyte-provisioner/internal/telemetry.commit=$COMMIT" \
    -o /out/ ./cmd/api ./cmd/worker ./cmd/provisionctl ./cmd/airbytesim

# Nothing but the programs and the certificate authorities: no shell, no package
# manager, no user database. Time zones are within the programs. Nothing is
# written, so the root filesystem can be read-only.
FROM scratch
ARG VERSION="" COMMIT=""
LABEL org.opencontainers.image.title="airbyte-provisioner" \
      org.opencontainers.image.description="Witboost Tech Adapter for Airbyte" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /usr/local/bin/
ENV PATH=/usr/local/bin
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
# The API's and the worker's.
EXPOSE 8093 8094
CMD ["api"]
