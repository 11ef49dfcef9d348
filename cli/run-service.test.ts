import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { ConfigError, UnavailableError } from "../core/errors.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { exitCodes } from "./exit-code.ts";
import { type RunServiceOptions, runService } from "./run-service.ts";
import { capturedContext } from "./testing/captured-context.ts";

function options(start: RunServiceOptions["start"]): RunServiceOptions {
  return { service: "tracker", level: "info", start };
}

const reload = async () => undefined;

function messagesOf(log: string): unknown[] {
  return log
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { message: string }).message);
}

test("a service runs until it is stopped, and is disposed of", async () => {
  const shutdown = new AbortController();
  let disposed = 0;
  const context = capturedContext({
    signal: shutdown.signal,
    onWrite: (text) => {
      if (text.includes('"ready"')) shutdown.abort();
    },
  });
  const exitCode = await runService(
    options(async () => ({
      http: { host: "::", port: 6969 },
      reload,
      [Symbol.asyncDispose]: async () => {
        disposed++;
      },
    })),
    context,
  );
  assert.equal(exitCode, exitCodes.ok);
  assert.equal(disposed, 1);
  assert.deepEqual(context.cuts, [20_000]);
  const { stderr } = context.text();
  assert.deepEqual(messagesOf(stderr), ["ready", "stopping", "stopped"]);
  assert.match(stderr, /"service":"tracker","http":\{"host":"::","port":6969\},"message":"ready"/);
});

test("a service reads its configuration again when asked to, and goes on where that is wrong", async () => {
  const shutdown = new AbortController();
  const asked: (() => void)[] = [];
  const problems = [new ConfigError(["shoal.yaml: limits: is wrong"])];
  const context = capturedContext({
    signal: shutdown.signal,
    onReload: (ask) => asked.push(ask),
    onWrite: (text) => {
      if (text.includes('"ready"') || text.includes("cannot reload")) asked[0]?.();
      if (text.includes('"reloaded"')) shutdown.abort();
    },
  });
  const start = async () => ({
    reload: async () => {
      const problem = problems.pop();
      if (problem) throw problem;
    },
    [Symbol.asyncDispose]: async () => undefined,
  });
  assert.equal(await runService(options(start), context), exitCodes.ok);
  const { stderr } = context.text();
  assert.deepEqual(messagesOf(stderr), [
    ...["ready", "cannot reload", "reloaded", "stopping", "stopped"],
  ]);
  assert.match(stderr, /limits: is wrong/);
});

test("a service that is asked to read its configuration while it starts does so when it is ready", async () => {
  const shutdown = new AbortController();
  const asked: (() => void)[] = [];
  const context = capturedContext({
    signal: shutdown.signal,
    onReload: (ask) => asked.push(ask),
    onWrite: (text) => {
      if (text.includes('"reloaded"')) shutdown.abort();
    },
  });
  const start = async () => {
    assert.equal(asked.length, 1, "the signal would end the process");
    asked[0]?.();
    return { reload, [Symbol.asyncDispose]: async () => undefined };
  };
  assert.equal(await runService(options(start), context), exitCodes.ok);
  assert.deepEqual(messagesOf(context.text().stderr), [
    ...["ready", "reloaded", "stopping", "stopped"],
  ]);
});

test("a service that cannot start ends with 1 and says why", async () => {
  const context = capturedContext();
  const exitCode = await runService(
    options(async () => {
      throw new UnavailableError("Cannot listen on [::]:6969");
    }),
    context,
  );
  assert.equal(exitCode, exitCodes.failure);
  const { stderr } = context.text();
  assert.match(stderr, /"code":"unavailable","problem":"Cannot listen on.*"message":"failed"/);
  assert.doesNotMatch(stderr, /stack/);
});

test("a port that is taken is told without a stack, a mistake of ours with one", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  const place = server.address() as AddressInfo;
  const logOf = async (start: RunServiceOptions["start"]) => {
    const context = capturedContext();
    assert.equal(await runService(options(start), context), exitCodes.failure);
    return context.text().stderr;
  };
  const taken = await logOf(async () => {
    await once(createServer().listen(place.port, place.address), "listening");
    return assert.fail("listens twice");
  });
  assert.match(taken, /"code":"EADDRINUSE","problem":"listen EADDRINUSE/);
  assert.doesNotMatch(taken, /stack/);
  const mistake = await logOf(async () => {
    throw new TypeError("x is undefined");
  });
  assert.match(mistake, /"stack":"TypeError: x is undefined/);
});

test("a service that is stopped before it is ready ends well", async () => {
  const shutdown = new AbortController();
  const context = capturedContext({ signal: shutdown.signal });
  const exitCode = await runService(
    options(async (_, { signal }) => {
      shutdown.abort();
      signal.throwIfAborted();
      assert.fail("was not aborted");
    }),
    context,
  );
  assert.equal(exitCode, exitCodes.ok);
  assert.equal(context.text().stderr, "");
});

test("a service that fails while it stops ends with 1", async () => {
  const context = capturedContext({ signal: AbortSignal.abort() });
  const exitCode = await runService(
    options(async () => ({
      reload,
      [Symbol.asyncDispose]: async () => {
        throw new Error("disk is gone");
      },
    })),
    context,
  );
  assert.equal(exitCode, exitCodes.failure);
  assert.match(context.text().stderr, /disk is gone/);
});

test("systemd is told when it asked to be", async (t) => {
  const folder = testFolder(t);
  const tool = join(folder, "systemd-notify");
  await writeFile(tool, `#!/bin/sh\necho "$NOTIFY_SOCKET $1" >> "${folder}/told"\n`);
  await chmod(tool, 0o755);
  const environment = { PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: "/run/n" };
  const context = capturedContext({ signal: AbortSignal.abort(), environment });
  const start = async () => ({ reload, [Symbol.asyncDispose]: async () => undefined });
  assert.equal(await runService(options(start), context), exitCodes.ok);
  assert.equal(await readFile(join(folder, "told"), "utf8"), "/run/n --ready\n/run/n STOPPING=1\n");
});

test("a missing systemd-notify does no harm", async () => {
  const environment = { PATH: "/nowhere", NOTIFY_SOCKET: "/run/n" };
  const context = capturedContext({ signal: AbortSignal.abort(), environment });
  const start = async () => ({ reload, [Symbol.asyncDispose]: async () => undefined });
  assert.equal(await runService(options(start), context), exitCodes.ok);
});
