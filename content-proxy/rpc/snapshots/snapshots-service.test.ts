import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { status } from "@grpc/grpc-js";

import { containerd } from "../../../protos/gen/snapshots.js";
import type { RemoteLayerRequest, RemoteLayers } from "../../remote-snapshots/remote-layers.ts";
import { SnapshotsWorld } from "./snapshots-client.test-support.ts";

const { Kind } = containerd.services.snapshots.v1;

const noRemoteLayers: RemoteLayers = {
  provide: async () => assert.fail("asked for a layer"),
  settled: async () => undefined,
};

const target = { "containerd.io/snapshot.ref": "sha256:chain" };

test("a snapshot goes from Prepare to Remove, with what containerd wants to know of it", async (t) => {
  const world = await SnapshotsWorld.start(t, noRemoteLayers);
  const [mount] = await world.prepare("k8s.io/1/key", { labels: { a: "1" } });
  assert.equal(mount?.type, "bind");
  assert.deepEqual(mount.options, ["rw", "rbind"]);
  assert.deepEqual(await world.mounts("k8s.io/1/key"), [mount]);
  const active = await world.stat("k8s.io/1/key");
  assert.deepEqual([active.name, active.parent, active.kind], ["k8s.io/1/key", "", Kind.ACTIVE]);
  assert.deepEqual(active.labels, { a: "1" });
  assert.deepEqual(active.createdAt, active.updatedAt);
  assert.notEqual(active.createdAt?.nanos, 0);
  writeFileSync(join(mount.source ?? "", "file"), Buffer.alloc(100_000));
  const usage = await world.usage("k8s.io/1/key");
  assert.ok(usage.size >= 100_000);
  assert.equal(usage.inodes, 2);

  await world.commit("name", "k8s.io/1/key", { labels: { b: "2" } });
  const committed = await world.stat("name");
  assert.deepEqual([committed.kind, committed.labels], [Kind.COMMITTED, { b: "2" }]);
  assert.deepEqual(await world.usage("name"), usage);
  const [view] = await world.view("view", { parent: "name" });
  assert.deepEqual([view?.source, view?.options], [mount.source, ["ro", "rbind"]]);
  assert.deepEqual((await world.stat("view")).kind, Kind.VIEW);
  assert.equal((await world.stat("view")).parent, "name");

  await world.remove("view");
  await world.remove("name");
  await world.cleanup();
  await assert.rejects(world.stat("name"), { code: status.NOT_FOUND });
});

test("what cannot be has the status by which containerd knows what is wrong", async (t) => {
  const world = await SnapshotsWorld.start(t, noRemoteLayers);
  await world.prepare("active");
  await world.prepare("key");
  await world.commit("name", "key");
  await world.view("view", { parent: "name" });
  await assert.rejects(world.prepare("active"), { code: status.ALREADY_EXISTS });
  await assert.rejects(world.view("name"), { code: status.ALREADY_EXISTS });
  await assert.rejects(world.prepare("x", { parent: "none" }), { code: status.NOT_FOUND });
  await assert.rejects(world.prepare("x", { parent: "active" }), { code: status.INVALID_ARGUMENT });
  await assert.rejects(world.commit("name", "active"), { code: status.ALREADY_EXISTS });
  await assert.rejects(world.commit("x", "view"), { code: status.FAILED_PRECONDITION });
  await assert.rejects(world.commit("x", "active", { parent: "name" }), {
    code: status.INVALID_ARGUMENT,
  });
  await assert.rejects(world.mounts("name"), { code: status.FAILED_PRECONDITION });
  await assert.rejects(world.remove("name"), {
    code: status.FAILED_PRECONDITION,
    details: /remove/,
  });
  await assert.rejects(world.mounts("x"), { code: status.NOT_FOUND });
  await assert.rejects(world.remove("x"), { code: status.NOT_FOUND });
  await assert.rejects(world.usage("x"), { code: status.NOT_FOUND });
  await assert.rejects(world.update({ name: "x" }, []), { code: status.NOT_FOUND });
  await assert.rejects(world.update({ name: "name" }, ["parent"]), {
    code: status.INVALID_ARGUMENT,
  });
  for (const name of ["", "n".repeat(40_000)]) {
    const invalid = { code: status.INVALID_ARGUMENT };
    await assert.rejects(world.prepare(name), invalid);
    await assert.rejects(world.view(name), invalid);
    await assert.rejects(world.mounts(name), invalid);
    await assert.rejects(world.commit(name, "active"), invalid);
    await assert.rejects(world.commit("x", name), invalid);
    await assert.rejects(world.remove(name), invalid);
    await assert.rejects(world.stat(name), invalid);
    await assert.rejects(world.update({ name }, []), invalid);
    await assert.rejects(world.usage(name), invalid);
  }
  const labels = { long: "x".repeat(5000) };
  await assert.rejects(world.prepare("x", { labels }), { code: status.INVALID_ARGUMENT });
});

test("Update changes labels and the time, and nothing else", async (t) => {
  const world = await SnapshotsWorld.start(t, noRemoteLayers);
  await world.prepare("key", { labels: { a: "1", b: "2", "c.d": "3" } });
  const before = await world.stat("key");
  const change = { name: "key", parent: "other", kind: Kind.VIEW, labels: { a: "4", "c.d": "5" } };
  const some = await world.update(change, ["labels.b", "labels.c.d"]);
  assert.deepEqual(some.labels, { a: "1", "c.d": "5" });
  const all = await world.update(change, []);
  assert.deepEqual(all.labels, { a: "4", "c.d": "5" });
  assert.deepEqual((await world.update(change, ["labels"])).labels, all.labels);
  const after = await world.stat("key");
  assert.deepEqual(after.labels, all.labels);
  assert.deepEqual([after.name, after.parent, after.kind], ["key", "", Kind.ACTIVE]);
  assert.deepEqual(after.createdAt, before.createdAt);
  assert.notDeepEqual(after.updatedAt, before.updatedAt);
});

test("List gives batches of a hundred, and other calls work while it is open", async (t) => {
  const world = await SnapshotsWorld.start(t, noRemoteLayers);
  for (let index = 0; index < 250; index++) await world.prepare(`${index}`);
  const lengths: number[] = [];
  for await (const batch of world.list()) {
    lengths.push(batch.length);
    for (const { name } of batch) {
      assert.ok(typeof name === "string");
      assert.deepEqual((await world.stat(name)).name, name);
      await world.remove(name);
    }
  }
  assert.deepEqual(lengths, [100, 100, 50]);
  for await (const batch of world.list()) assert.fail(`${batch.length} are left`);
});

test("List gives what its filters match", async (t) => {
  const world = await SnapshotsWorld.start(t, noRemoteLayers);
  await world.prepare("key");
  await world.commit("base", "key", { labels: target });
  await world.prepare("active", { parent: "base", labels: { "l.a": "x" } });
  await world.view("view", { parent: "base" });
  const listed = async (...filters: string[]) => {
    const names: unknown[] = [];
    for await (const batch of world.list(filters)) names.push(...batch.map(({ name }) => name));
    return names.sort();
  };
  assert.deepEqual(await listed(), ["active", "base", "view"]);
  // As containerd asks for a remote snapshot: the value of the first without quotes.
  const asked = `labels."containerd.io/snapshot.ref"==sha256:chain,parent==""`;
  assert.deepEqual(await listed(asked), ["base"]);
  assert.deepEqual(await listed("kind==active", "kind==view"), ["active", "view"]);
  assert.deepEqual(await listed("kind==committed"), ["base"]);
  assert.deepEqual(await listed(`parent!=""`), ["active", "view"]);
  assert.deepEqual(await listed("parent==base,labels.l.a"), ["active"]);
  assert.deepEqual(await listed("name~=^.a"), ["base"]);
  assert.deepEqual(await listed("other"), []);
  await assert.rejects(listed("kind=="), { code: status.INVALID_ARGUMENT });
});

test("Prepare says that a snapshot exists when its layer was provided, and else prepares it", async (t) => {
  const asked: RemoteLayerRequest[] = [];
  const answers = [true, false, new Error("broken")];
  const world = await SnapshotsWorld.start(t, {
    ...noRemoteLayers,
    async provide(request) {
      asked.push(request);
      const answer = answers.shift() ?? false;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  await world.prepare("key");
  await world.commit("base", "key");
  const fields = { parent: "base", labels: target };
  await assert.rejects(world.prepare("one", fields), { code: status.ALREADY_EXISTS });
  await assert.rejects(world.stat("one"), { code: status.NOT_FOUND });
  assert.equal((await world.prepare("two", fields)).length, 1);
  assert.equal((await world.prepare("three", fields)).length, 1);
  await world.view("four", fields);
  const requests = ["one", "two", "three"].map((key) => ({ key, ...fields }));
  assert.deepEqual(asked, requests);
  const errors = world.logger.lines.filter(({ level }) => level === "error");
  assert.deepEqual(
    errors.map(({ message }) => message),
    ["cannot provide a remote layer"],
  );
});

test("nobody gets mounts of files that may be lost before they are restored", async (t) => {
  const awaited: string[] = [];
  const restored = Promise.withResolvers<undefined>();
  const world = await SnapshotsWorld.start(t, {
    ...noRemoteLayers,
    async settled(snapshot) {
      awaited.push(snapshot);
      if (awaited.length > 1) await restored.promise;
    },
  });
  await world.prepare("key");
  await world.mounts("key");
  await world.commit("base", "key");
  let answers = 0;
  const counted = async (call: Promise<unknown>) => call.then(() => answers++);
  const calls = [
    counted(world.prepare("active", { parent: "base" })),
    counted(world.view("view", { parent: "base" })),
  ];
  while (awaited.length < 3) await world.stat("base");
  assert.equal(answers, 0);
  restored.resolve(undefined);
  await Promise.all(calls);
  await world.mounts("active");
  assert.deepEqual(awaited, ["key", "base", "base", "active"]);
});
