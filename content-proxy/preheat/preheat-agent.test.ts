import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { type TestContext, test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import { HttpClient } from "../../core/http/http-client.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { type NodeTask, formatNodeTaskMessage } from "../../core/node-task.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { PreheatAgent, type PreheatAgentDeps } from "./preheat-agent.ts";
import { SeederTasks } from "./seeder-tasks.ts";

type Run = PreheatAgentDeps["runner"]["run"];

const hello = {
  ...{ name: "node-1", instance: randomUUID(), labels: { zone: "a" } },
  platform: { os: "linux", architecture: "amd64" },
};

function taskOf(tag: string): NodeTask {
  const image = parseImageReference(`registry.example/app:${tag}`);
  const top = { mediaType: mediaTypes.ociManifest, digest: digestOf(Buffer.from(tag)), size: 3 };
  return { id: randomUUID(), image, top, platforms: "all" };
}

/** A seeder whose connections a test holds in its hands. */
class Seeder {
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #waiting: ServerResponse[] = [];
  #onConnection: () => void = () => undefined;
  readonly hellos: unknown[] = [];
  readonly reports: [path: string, body: unknown][] = [];
  reportStatus = 204;
  /** Nodes that come to wait and are refused, before others are not. */
  refusalsLeft = 0;

  async listen(t: TestContext): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    cleanUpOf(t).defer(() => {
      this.#server.closeAllConnections();
      this.#server.close();
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next node that comes to wait. */
  async connection(): Promise<ServerResponse> {
    for (;;) {
      const response = this.#waiting.shift();
      if (response) return response;
      await new Promise<void>((resolve) => (this.#onConnection = resolve));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: unknown = await json(request);
    if (request.url !== "/v1/node-tasks") {
      this.reports.push([request.url ?? "", body]);
      response.writeHead(this.reportStatus).end();
      return;
    }
    if (this.refusalsLeft > 0) {
      this.refusalsLeft -= 1;
      response.writeHead(503).end();
      return;
    }
    this.hellos.push(body);
    response.writeHead(200).write('{"task":"none"}\n');
    this.#waiting.push(response);
    this.#onConnection();
  }
}

/** A node whose tasks do what a test says. */
async function open(t: TestContext, run: Run, { refusals = 0 } = {}) {
  const seeder = new Seeder();
  seeder.refusalsLeft = refusals;
  const logger = new MemoryLogger();
  const url = await seeder.listen(t);
  const client = new HttpClient({ connectionsMax: 4, answerLengthMax: 1000, silenceMs: 60_000 });
  const agent = PreheatAgent.start({
    seeders: [new SeederTasks({ url, client })],
    ...{ hello, runner: { run }, logger, random: () => 0 },
  });
  cleanUpOf(t).defer(async () => {
    await agent[Symbol.asyncDispose]();
    client[Symbol.dispose]();
  });
  return { seeder, agent, url, logger };
}

test("a node introduces itself, does what the seeder says, and reports to it", async (t) => {
  const done = Promise.withResolvers<NodeTask>();
  const { seeder } = await open(t, async (task, { seeder: to, signal }) => {
    const report = { state: "done", bytes: 1, size: 1 } as const;
    assert.equal(await to.report(task.id, report, { signal }), true);
    done.resolve(task);
  });
  const connection = await seeder.connection();
  assert.deepEqual(seeder.hellos, [hello]);
  const task = taskOf("1");
  connection.write('{"task":"later","a newer seeder":"may say"}\n');
  connection.write(formatNodeTaskMessage({ task: "preheat", ...task }));
  assert.equal((await done.promise).id, task.id);
  assert.deepEqual(seeder.reports, [
    [`/v1/node-tasks/${task.id}/results`, { state: "done", bytes: 1, size: 1 }],
  ]);
});

test("a node learns that a task is not wanted any more, and that a seeder cannot take a report", async (t) => {
  const told = Promise.withResolvers<unknown[]>();
  const { seeder } = await open(t, async (task, { seeder: to, signal }) => {
    const report = { state: "fetching", bytes: 1, size: 1 } as const;
    seeder.reportStatus = 404;
    const isWanted = await to.report(task.id, report, { signal });
    seeder.reportStatus = 503;
    const failure: unknown = await to
      .report(task.id, report, { signal })
      .catch((error: unknown) => error);
    told.resolve([isWanted, failure instanceof UnavailableError]);
  });
  const connection = await seeder.connection();
  connection.write(formatNodeTaskMessage({ task: "preheat", ...taskOf("1") }));
  assert.deepEqual(await told.promise, [false, true]);
});

test("a task ends when it is canceled, and others go on", async (t) => {
  const signals = new Map<string, AbortSignal>();
  const begun = Promise.withResolvers<undefined>();
  const { seeder } = await open(t, async (task, { signal }) => {
    signals.set(task.id, signal);
    if (signals.size === 2) begun.resolve(undefined);
    await once(signal, "abort");
  });
  const connection = await seeder.connection();
  const [one, other] = [taskOf("1"), taskOf("2")];
  connection.write(formatNodeTaskMessage({ task: "preheat", ...one }));
  connection.write(formatNodeTaskMessage({ task: "preheat", ...other }));
  await begun.promise;
  const canceled = once(signals.get(one.id) ?? new AbortController().signal, "abort");
  connection.write(formatNodeTaskMessage({ task: "cancel", id: one.id }));
  await canceled;
  assert.equal(signals.get(other.id)?.aborted, false);
});

test("tasks end with the connection to their seeder, and the node comes back", async (t) => {
  const ended: string[] = [];
  const begun = Promise.withResolvers<undefined>();
  const { seeder } = await open(t, async (task, { connection }) => {
    begun.resolve(undefined);
    await once(connection, "abort");
    ended.push(task.image.tag ?? "");
  });
  const connection = await seeder.connection();
  connection.write(formatNodeTaskMessage({ task: "preheat", ...taskOf("1") }));
  await begun.promise;
  connection.destroy();
  await seeder.connection();
  assert.deepEqual(ended, ["1"]);
  assert.deepEqual(seeder.hellos, [hello, hello]);
});

test("a seeder that gives no tasks is told of once, and when it gives them again", async (t) => {
  const done = Promise.withResolvers<undefined>();
  const run: Run = async () => done.resolve(undefined);
  const { seeder, url, logger } = await open(t, run, { refusals: 2 });
  const connection = await seeder.connection();
  connection.write(formatNodeTaskMessage({ task: "preheat", ...taskOf("1") }));
  await done.promise;
  assert.deepEqual(
    logger.lines.map(({ level, message, fields }) => [level, message, fields["seeder"]]),
    [
      ["warn", "cannot wait for tasks of a seeder", url],
      ["info", "seeder gives tasks again", url],
    ],
  );
});

test("a seeder that says what cannot be read is left, and asked again", async (t) => {
  const { seeder } = await open(t, async () => assert.fail("no task"));
  for (const nonsense of ["nonsense\n", '{"task":"preheat"}\n', "x".repeat(100_000)]) {
    const connection = await seeder.connection();
    const closed = once(connection, "close");
    connection.write(nonsense);
    await closed;
  }
  await seeder.connection();
});

test("at the end the node hangs up, and its tasks are over", async (t) => {
  let isOver = false;
  const begun = Promise.withResolvers<undefined>();
  const { seeder, agent } = await open(t, async (_, { signal }) => {
    begun.resolve(undefined);
    await once(signal, "abort");
    isOver = true;
  });
  const connection = await seeder.connection();
  connection.write(formatNodeTaskMessage({ task: "preheat", ...taskOf("1") }));
  await begun.promise;
  const closed = once(connection, "close");
  await agent[Symbol.asyncDispose]();
  assert.equal(isOver, true);
  await closed;
});
