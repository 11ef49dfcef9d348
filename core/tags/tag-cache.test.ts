import assert from "node:assert/strict";
import { test } from "node:test";

import type { Descriptor } from "../descriptor.ts";
import { digestOf } from "../digest.ts";
import { AccessDeniedError, ImageNotFoundError, UnavailableError } from "../errors.ts";
import { parseImageReference } from "../image-reference.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type AskForTag, TagCache } from "./tag-cache.ts";
import type { TagRule } from "./tag-policy.ts";
import { TagTable } from "./tag-table.ts";

const reference = parseImageReference("quay.example/pond/fish:v1");
const name = "quay.example/pond/fish:v1";
const [first, second] = ["first", "second"].map(descriptorOf) as [Descriptor, Descriptor];

function descriptorOf(seed: string): Descriptor {
  return { mediaType: "manifest", digest: digestOf(Buffer.from(seed)), size: 9 };
}

const down: AskForTag = () => Promise.reject(new UnavailableError("Cannot reach quay.example"));

function answers(descriptor: Descriptor): AskForTag {
  return async () => ({ descriptor, source: "registry", ageMs: 0 });
}

function open({
  rules = [],
  outageAfterMs = 60_000,
}: { rules?: TagRule[]; outageAfterMs?: number } = {}) {
  const clock = new ManualClock();
  const memory = new TagTable({ clock });
  const cache = new TagCache({ memory, rules, outageAfterMs });
  const { signal } = new AbortController();
  const resolve = async (ask: AskForTag, asker?: string, of = reference) => {
    const { descriptor, source } = await cache.resolve(of, { ask, asker, signal });
    return [descriptor.digest, source] as const;
  };
  return { clock, memory, resolve };
}

test("each question goes to the registry, if no rule says else", async () => {
  const { resolve } = open();
  assert.deepEqual(await resolve(answers(first)), [first.digest, "registry"]);
  assert.deepEqual(await resolve(answers(second)), [second.digest, "registry"]);
});

test("what is fresh is told without a question, and not a moment longer", async () => {
  const { clock, resolve } = open({ rules: [{ freshForMs: 1000, staleIfErrorMs: 0 }] });
  await resolve(answers(first));
  clock.advance(999);
  assert.deepEqual(await resolve(answers(second)), [first.digest, "cluster"]);
  clock.advance(1);
  assert.deepEqual(await resolve(answers(second)), [second.digest, "registry"]);
});

test("what another told is as old as he said", async () => {
  const { resolve } = open({ rules: [{ freshForMs: 1000, staleIfErrorMs: 0 }] });
  await resolve(async () => ({ descriptor: first, source: "cluster", ageMs: 1000 }));
  assert.deepEqual(await resolve(answers(second)), [second.digest, "registry"]);
});

test("what was so is told while the registry is down, as long as the rules let it", async () => {
  const { clock, resolve } = open({ rules: [{ freshForMs: 0, staleIfErrorMs: 1000 }] });
  await resolve(answers(first));
  clock.advance(999);
  assert.deepEqual(await resolve(down), [first.digest, "stale"]);
  clock.advance(1);
  await assert.rejects(resolve(down), UnavailableError);
});

test("latest is not told while the registry is down", async () => {
  const { resolve } = open();
  const latest = parseImageReference("quay.example/pond/fish");
  await resolve(answers(first), "", latest);
  await assert.rejects(resolve(down, "", latest), UnavailableError);
});

test("a registry that hangs counts as down after a while", async () => {
  const { resolve } = open({ outageAfterMs: 10 });
  await resolve(answers(first));
  const hangs = Promise.withResolvers<never>();
  assert.deepEqual(await resolve(() => hangs.promise), [first.digest, "stale"]);
  hangs.reject(new UnavailableError("Cannot reach quay.example"));
});

test("a registry that says no is believed", async () => {
  const { resolve } = open();
  await resolve(answers(first));
  const refuses = () => Promise.reject(new AccessDeniedError("Cannot ask"));
  await assert.rejects(resolve(refuses), AccessDeniedError);
  assert.deepEqual(await resolve(down), [first.digest, "stale"]);
  await assert.rejects(
    resolve(() => Promise.reject(new ImageNotFoundError(name))),
    ImageNotFoundError,
  );
  await assert.rejects(resolve(down), UnavailableError);
});

test("what was pushed stands above the registry, until the registry has it", async () => {
  const { memory, resolve } = open();
  memory.keep(name, { descriptor: second, source: "pushed", ageMs: 0 });
  assert.deepEqual(await resolve(answers(first)), [second.digest, "pushed"]);
  memory.keep(name, { descriptor: first, source: "registry", ageMs: 0 });
  memory.forget(name);
  assert.deepEqual(await resolve(down), [second.digest, "pushed"]);
  memory.keep(name, { descriptor: second, source: "registry", ageMs: 0 });
  assert.deepEqual(await resolve(answers(first)), [first.digest, "registry"]);
});

test("who ask at once are told by one question, but each name by its own", async () => {
  const { resolve } = open();
  const asked: string[] = [];
  const askAs =
    (who: string): AskForTag =>
    (_, options) => {
      asked.push(who);
      return answers(first)(reference, options);
    };
  await Promise.all(["a", "a", "b"].map((who) => resolve(askAs(who), who)));
  assert.deepEqual(asked, ["a", "b"]);
});

test("what was known is no younger for a clock that was set back", () => {
  const clock = new ManualClock();
  const table = new TagTable({ clock });
  table.keep(name, { descriptor: first, source: "registry", ageMs: 0 });
  clock.advance(-1);
  assert.equal(table.find(name)?.ageMs, Infinity);
  table.keep(name, { descriptor: second, source: "pushed", ageMs: 0 });
  clock.advance(-1);
  assert.deepEqual(table.find(name), { descriptor: second, source: "pushed", ageMs: 0 });
});
