import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { Descriptor } from "../core/descriptor.ts";
import { runCommand } from "./support/command.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { sizeOfManifest, type BuiltImage, type ImagePlan } from "./support/image.ts";
import { askedByDigest, blobsTakenBy } from "./support/registry-traffic.ts";
import { dockerImage, smallImage } from "./support/sample-images.ts";
import { commandPath } from "./support/shoal-daemon.ts";
import { SnapshotterNode } from "./support/snapshotter-node.ts";
import { createTemporaryDirectory } from "./support/temporary-directory.ts";
import type { PushedImage } from "./support/test-cluster.ts";

const megabyte = 1_000_000;

/** Has no room for a shell, and when it has grown for two small images. */
const smallDiskBytes = megabyte;
const grownDiskBytes = 80 * megabyte;

/** Prints what marks the layers of an image. */
const catMarks = ["sh", "-c", "cat /var/lib/shoal/*"] as const;

/** Everything that a snapshotter is for, asked of one node for each line of containerd. */
const steps: Readonly<
  Record<string, (node: SnapshotterNode, first: PushedImage) => Promise<void>>
> = {
  "is found by `shoal containerd check`": isFound,
  "runs a pod of layers that containerd neither fetched nor unpacked": runsPod,
  "unpacks of a second image only what is new": unpacksOnce,
  "can push and export what containerd never fetched": pushesAndExports,
  "unpacks what ctr pulls in another namespace": unpacksForCtr,
  "does what ctr snapshots asks for, and tells what a container changed": managesSnapshots,
  "keeps containers running when the daemon is killed, and after": outlivesDaemon,
  "takes over images that were there before, and gives them back": changesLevels,
  "has nothing left on disk when its images are removed": leavesNothing,
  "says that the disk is full, and recovers": survivesFullDisk,
  "has containerd unpack what nobody else has": unpacksAlone,
};

for (const line of containerdLines) {
  test(`containerd ${line} with our snapshotter`, async (t) => {
    const node = await SnapshotterNode.start(t, line);
    const first = await node.preheated(imageOf("first", line));
    for (const [name, step] of Object.entries(steps)) await t.test(name, () => step(node, first));
  });
}

async function isFound(node: SnapshotterNode): Promise<void> {
  const { containerd, socketPath, storePath } = node;
  const config = join(containerd.directory, "config.toml");
  const program = join(containerd.release.binPath, "containerd");
  const sockets = ["--socket", socketPath, "--containerd-socket", containerd.socketPath];
  const files = ["--root", storePath, "--containerd-config", config, "--containerd", program];
  const argv = ["sh", commandPath, "containerd", "check", ...sockets, ...files] as const;
  const { stdout } = await runCommand(argv);
  assert.match(stdout, /^ok {5}the running containerd has the snapshotter "shoal-overlay"$/m);
}

async function runsPod(node: SnapshotterNode, first: PushedImage): Promise<void> {
  const { cri, line } = node;
  await cri.pullImage(first.reference);

  assert.deepEqual(askedByDigest(node.host, await node.registry.requests()), []);
  const unpacked = await node.unpackedLayers();
  for (const { digest } of layersOf(first.image)) assert.ok(unpacked.includes(digest), digest);
  const pod = await cri.startContainer(first.reference, ["sleep", "1000"]);
  assert.equal(await cri.exec(pod, catMarks), marksOf("first", line));
  // Debian's 1.6 is too old to be told of a root of another name.
  if (line !== "1.6") assert.equal((await cri.imageFilesystem()).path, node.snapshotsPath);
  await cri.removePod(pod);
  assert.equal(await node.run(first.reference, ...catMarks), marksOf("first", line));
}

async function unpacksOnce(node: SnapshotterNode): Promise<void> {
  const { reference } = await node.preheated(imageOf("second", node.line));
  const before = new Set(await node.snapshotNames());

  await node.cri.pullImage(reference);

  // Meanwhile containerd may remove those of containers that are gone.
  const fresh = (await node.snapshotNames()).filter((name) => !before.has(name));
  assert.equal(fresh.length, 1);
  assert.deepEqual(askedByDigest(node.host, await node.registry.requests()), []);
  assert.equal(await node.run(reference, ...catMarks), marksOf("second", node.line));
}

async function pushesAndExports(
  node: SnapshotterNode,
  { reference, image }: PushedImage,
): Promise<void> {
  const { containerd, registry } = node;
  const copy = `${registry.host}/samples/copy:1`;
  const file = join(node.cluster.directory, "image.tar");
  await registry.forgetRequests();
  await node.ctr("images", "tag", reference, copy);
  await node.ctr("images", "push", ...containerd.hostsFlags, "--plain-http", copy);
  const how = node.line === "2.x" ? ["--local"] : [];
  await node.ctr("images", "export", ...how, file, reference);

  const [manifest] = image.manifests;
  assert.ok(manifest && (await stat(file)).size > sizeOfManifest(manifest));
  assert.deepEqual(blobsTakenBy(node.host, await registry.requests()), []);
  const other = { namespace: "other" };
  const unpacking = ["--snapshotter", containerd.snapshotter];
  await containerd.ctr(["images", "import", ...unpacking, file], other);
  const said = await containerd.runContainer(reference, catMarks, other);
  assert.equal(said, marksOf("first", node.line));
}

/**
 * A ctr that unpacks by itself does not say which layer it unpacks, so it has an ordinary
 * snapshotter. The transfer service says it.
 */
async function unpacksForCtr(node: SnapshotterNode): Promise<void> {
  const { containerd, line } = node;
  for (const by of line === "2.x" ? (["ctr", "transfer"] as const) : (["ctr"] as const)) {
    const { reference, image } = await node.preheated(dockerImage(`${by} ${line}`));
    await containerd.pull(reference, { by });
    assert.deepEqual(askedByDigest(node.host, await node.registry.requests()), []);
    const unpacked = await node.unpackedLayers();
    for (const { digest } of layersOf(image)) {
      assert.equal(unpacked.includes(digest), by === "transfer", `${by} ${digest}`);
    }
    const said = await containerd.runContainer(reference, ["cat", "/etc/shoal-image"]);
    assert.equal(said, `${by} ${line}\n`);
  }
}

async function managesSnapshots(node: SnapshotterNode): Promise<void> {
  const snapshots = (...args: readonly string[]) =>
    node.ctr("snapshots", "--snapshotter", node.containerd.snapshotter, ...args);
  await snapshots("prepare", "changed", topOf(await snapshots("list")));
  const mountPoint = node.cluster.stack.use(await createTemporaryDirectory()).path;
  const [, ...mount] = (await snapshots("mounts", mountPoint, "changed")).trim().split(" ");
  await runCommand(["mount", ...mount]);
  await writeFile(join(mountPoint, "new-file"), "a change\n");
  await runCommand(["umount", mountPoint]);

  const tar = "application/vnd.oci.image.layer.v1.tar";
  assert.match(await snapshots("diff", "--media-type", tar, "changed"), /new-file[^]*a change/);
  await snapshots("commit", "kept", "changed");
  assert.match(await snapshots("info", "kept"), /"Kind": "Committed"/);
  assert.match(await snapshots("usage", "-b", "kept"), /^kept\s+[1-9]/m);
  await snapshots("remove", "kept");
}

async function outlivesDaemon(node: SnapshotterNode, { reference }: PushedImage): Promise<void> {
  const { cri, proxy } = node;
  const pod = await cri.startContainer(reference, ["sleep", "1000"]);
  await cri.exec(pod, ["sh", "-c", "echo before >/note"]);

  await proxy.kill9();
  assert.equal(await cri.exec(pod, ["sh", "-c", "cat /note; echo after >>/note"]), "before\n");
  await proxy.resume();

  assert.equal(await cri.exec(pod, ["cat", "/note"]), "before\nafter\n");
  await cri.removePod(pod);
}

async function changesLevels(node: SnapshotterNode): Promise<void> {
  const { cri, line } = node;
  const { reference } = await node.preheated(smallImage(`levels ${line}`));
  const cat = ["cat", "/etc/shoal-image"] as const;
  const wanted = `levels ${line}\n`;
  await node.restartContainerd({ snapshotter: false });
  await cri.pullImage(reference);
  const old = await cri.startContainer(reference, ["sleep", "1000"]);

  await node.restartContainerd({ snapshotter: true });
  const pod = await cri.startContainer(reference, ["sleep", "1000"]);
  for (const each of [old, pod]) {
    assert.equal(await cri.exec(each, cat), wanted);
    await cri.removePod(each);
  }

  await node.restartContainerd({ snapshotter: false });
  assert.equal(await node.run(reference, ...cat), wanted);
  await node.restartContainerd({ snapshotter: true });
}

async function leavesNothing(node: SnapshotterNode): Promise<void> {
  assert.ok((await node.snapshotNames()).length > 0);
  await node.removeImages();
  assert.deepEqual(await node.snapshotNames(), []);
}

async function survivesFullDisk(node: SnapshotterNode): Promise<void> {
  const { containerd, cri, proxy, snapshotsPath } = node;
  const options = `size=${smallDiskBytes}`;
  await containerd.stop();
  await proxy.stop();
  await runCommand(["mount", "-t", "tmpfs", "-o", options, "shoal", snapshotsPath]);
  await proxy.resume();
  await containerd.resume();
  await cri.untilReady();
  const { reference } = await node.preheated(smallImage(`full ${node.line}`));

  await assert.rejects(cri.pullImage(reference), /no space|disk is full|storage/i);
  await node.snapshotNames();
  await runCommand(["mount", "-o", `remount,size=${grownDiskBytes}`, snapshotsPath]);
  await cri.pullImage(reference);

  assert.equal(await node.run(reference, "echo", "up"), "up\n");
}

async function unpacksAlone(node: SnapshotterNode): Promise<void> {
  await node.endServices();
  const { image, reference } = await node.cluster.push(smallImage(`alone ${node.line}`));

  await node.cri.pullImage(reference);

  assert.equal(await node.run(reference, "echo", "up"), "up\n");
  const blobs = blobsTakenBy(node.host, await node.registry.requests());
  assert.equal(blobs.length, 1 + layersOf(image).length);
}

/** An image of two layers that others of the line have too, and one of its own. */
function imageOf(seed: string, line: string): ImagePlan {
  const layer = { of: "random", sizeBytes: megabyte } as const;
  const shared = { ...layer, seed: `shared ${line}` };
  return {
    seed: `${seed} ${line}`,
    layers: [
      { ...shared, compression: "gzip" },
      { ...shared, compression: "zstd" },
      { ...layer, compression: "none" },
    ],
  };
}

/** What is in those layers for {@link catMarks}. */
function marksOf(seed: string, line: string): string {
  return `shared ${line} 0\nshared ${line} 1\n${seed} ${line} 2\n`;
}

function layersOf({ manifests }: BuiltImage): readonly Descriptor[] {
  return manifests[0]?.layers ?? assert.fail();
}

/** A committed snapshot that no other one is on, out of `ctr snapshots list`. */
function topOf(list: string): string {
  const rows = list.split("\n").slice(1);
  const cells = rows.map((row) => row.trim().split(/\s+/));
  const parents = new Set(cells.map(([, parent]) => parent));
  const top = cells.find(([key, , kind]) => kind === "Committed" && !parents.has(key));
  return top?.[0] ?? assert.fail(`no snapshot in ${list}`);
}
