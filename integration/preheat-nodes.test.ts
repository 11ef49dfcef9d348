import assert from "node:assert/strict";
import { test } from "node:test";

import { parsePreheatEvent } from "../cli/preheat/event.ts";
import type { ClusterNode } from "./support/cluster.ts";
import { CommandError, runCommand } from "./support/command.ts";
import type { ImagePlan } from "./support/image.ts";
import { pollUntil } from "./support/poll.ts";
import { askedByDigest } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { seederUrl } from "./support/shoal-config.ts";
import { type ShoalDaemon, commandPath } from "./support/shoal-daemon.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { receivedBytes } from "./support/traffic.ts";

/** Slow enough for a preheat of some megabytes to be caught in the middle. */
const slowBitsPerSecond = 16_000_000;

/** Long enough for a busy machine. */
const withinMs = 60_000;

interface Outcome {
  readonly exitCode: number | string;
  readonly events: readonly NonNullable<ReturnType<typeof parsePreheatEvent>>[];
}

/** Has a seeder preheat, as a user would, and gives what it told. */
async function preheat(seeder: ShoalDaemon, args: readonly string[]): Promise<Outcome> {
  const own = ["preheat", ...args, "--seeder", seederUrl(seeder.on), "--json"];
  const argv = ["sh", commandPath, ...own] as const;
  const outputOf = (text: string) =>
    text.split("\n").flatMap((line) => parsePreheatEvent(line) ?? []);
  try {
    const { stdout } = await runCommand(argv, { netns: seeder.on.netns });
    return { exitCode: 0, events: outputOf(stdout) };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { exitCode: error.status, events: outputOf(error.stdout) };
  }
}

/** How each node ended, in the order of their names. */
function lastWords({ events }: Outcome): [node: string, state: string, problem?: string][] {
  const last = new Map<string, [string, string, string?]>();
  for (const event of events) {
    if (event.event !== "node") continue;
    const { node, state, problem } = event;
    last.set(node, problem === undefined ? [node, state] : [node, state, problem]);
  }
  return [...last.values()].sort(([one], [other]) => one.localeCompare(other));
}

async function untilConnected(seeder: ShoalDaemon, count: number): Promise<void> {
  const isThere = async () => (await seeder.status()).nodes?.connected === count;
  await pollUntil(isThere, { what: `${count} nodes at the seeder`, withinMs });
}

/** Resolves when a node is in the middle of an image. */
async function untilFetching({ proxy }: ClusterNode): Promise<void> {
  const isFetching = async () => {
    const [task] = (await proxy?.status())?.preheats ?? [];
    return task?.state === "fetching" && task.bytes > 1_000_000;
  };
  await pollUntil(isFetching, { what: "a preheat under way", withinMs });
}

test("a preheat reaches the nodes that have a label, whose pulls then ask nobody", async (t) => {
  const cluster = await startTestCluster(t, {
    ...{ line: "2.x", nodes: ["node1", "node2", "node3"] },
    nodeLabels: { node1: { zone: "a" }, node2: { zone: "a", disk: "ssd" }, node3: { zone: "b" } },
  });
  const { seeder, tracker, registry } = cluster;
  const [first, , third] = cluster.nodes;
  assert.ok(first?.proxy && third?.proxy && seeder && tracker);
  await untilConnected(seeder, 3);
  const { reference } = await cluster.push(smallImage("preheated nodes"));

  const outcome = await preheat(seeder, [reference, "--nodes-with", "zone=a"]);

  assert.equal(outcome.exitCode, 0, JSON.stringify(outcome.events.at(-1)));
  assert.deepEqual(lastWords(outcome), [
    ["node1", "done"],
    ["node2", "done"],
  ]);
  assert.equal((await third.proxy.status()).blobs?.cached, 0);
  const received = receivedBytes(await first.proxy.status());
  // Nobody is there to be asked.
  await Promise.all([seeder.kill9(), tracker.kill9()]);
  await registry.forgetRequests();

  await first.containerd.pull(reference);

  assert.equal(await first.containerd.runContainer(reference, ["echo", "up"]), "up\n");
  assert.deepEqual(askedByDigest(first.host, await registry.requests()), []);
  assert.equal(receivedBytes(await first.proxy.status()), received);
});

test("a preheat of nodes can be canceled, and tells of a node that is killed", async (t) => {
  const nodes = ["node1", "node2"];
  const cluster = await startTestCluster(t, {
    ...{ line: "2.x", nodes },
    bitsPerSecond: Object.fromEntries(nodes.map((name) => [name, slowBitsPerSecond])),
  });
  const { seeder } = cluster;
  const [first, second] = cluster.nodes;
  assert.ok(first?.proxy && second?.proxy && seeder);
  await untilConnected(seeder, 2);
  const { reference } = await cluster.push(incompressibleImage("canceled"));

  await t.test("canceled in the middle, nodes stop, and nothing is left over", async () => {
    const preheating = preheat(seeder, [reference, "--scope", "nodes"]);
    await untilFetching(first);
    const [running] = (await seeder.status()).preheats ?? [];
    assert.ok(running?.id !== undefined);
    assert.equal(running.state, "nodes");
    await preheat(seeder, ["--cancel", running.id]);

    const outcome = await preheating;
    assert.equal(outcome.exitCode, 1);
    const end = outcome.events.at(-1);
    assert.ok(end?.event === "end");
    assert.deepEqual([end.ok, end.error, end.nodes?.done], [false, "canceled", 0]);
    for (const { proxy } of [first, second]) {
      const isQuiet = async () => {
        const { preheats, blobs } = (await proxy?.status()) ?? {};
        return preheats?.length === 0 && blobs?.arriving === 0;
      };
      await pollUntil(isQuiet, { what: "a node to stop", withinMs });
    }
    assert.deepEqual((await seeder.status()).preheats, []);
  });

  await t.test("a node that is killed is told of, and the other one goes on", async () => {
    const preheating = preheat(seeder, [reference, "--scope", "nodes"]);
    await untilFetching(second);
    await second.proxy?.kill9();

    const outcome = await preheating;
    assert.equal(outcome.exitCode, 1);
    assert.deepEqual(lastWords(outcome), [
      ["node1", "done"],
      ["node2", "failed", "the connection to the node ended"],
    ]);

    await second.proxy?.resume();
    await untilConnected(seeder, 2);
    const again = await preheat(seeder, [reference, "--scope", "nodes"]);
    assert.deepEqual([again.exitCode, lastWords(again).length], [0, 2]);
  });
});

/** Some megabytes that take their time over a slow link. */
function incompressibleImage(seed: string): ImagePlan {
  const layer = { compression: "none", of: "random", sizeBytes: 6_000_000 } as const;
  return { seed, layers: [layer, layer, layer] };
}
