import assert from "node:assert/strict";
import { test } from "node:test";

import { isLayer, isTarLayer, mediaTypes } from "./media-type.ts";

test("isTarLayer() knows the layers of OCI and Docker that are tar streams", () => {
  const oci = "application/vnd.oci.image.layer.";
  const docker = "application/vnd.docker.image.rootfs.";
  const tars = [
    ...[`${oci}v1.tar`, `${oci}v1.tar+gzip`, `${oci}v1.tar+zstd`],
    ...[`${oci}nondistributable.v1.tar`, `${oci}nondistributable.v1.tar+gzip`],
    ...[`${docker}diff.tar`, `${docker}diff.tar.gzip`, `${docker}foreign.diff.tar.gzip`],
  ];
  for (const type of tars) assert.ok(isTarLayer(type) && isLayer(type), type);
});

test("isLayer() counts layers that cannot be unpacked, and nothing that has no diffID", () => {
  const encrypted = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
  assert.equal(isLayer(encrypted), true);
  assert.equal(isTarLayer(encrypted), false);
  assert.equal(isLayer("application/vnd.docker.image.rootfs.diff.tar.gzip+encrypted"), true);
  for (const type of ["", mediaTypes.ociConfig, "application/vnd.in-toto+json", "text/html"]) {
    assert.equal(isLayer(type), false, type);
  }
});
