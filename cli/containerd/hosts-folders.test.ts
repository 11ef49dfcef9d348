import assert from "node:assert/strict";
import { test } from "node:test";

import { presentRoots } from "./hosts-folders.ts";

test("files of ours are looked for in the usual folders, whatever the configuration names now", () => {
  const usual = ["/etc/containerd/certs.d", "/etc/docker/certs.d"];
  const other = `version = 2
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/srv/certs.d:/etc/docker/certs.d"
`;
  assert.deepEqual(presentRoots("", undefined), usual);
  assert.deepEqual(presentRoots("no [ TOML", undefined), usual);
  assert.deepEqual(presentRoots(other, undefined), [...usual, "/srv/certs.d"]);
  assert.deepEqual(presentRoots(other, "/a"), ["/a", "/srv/certs.d", "/etc/docker/certs.d"]);
});
