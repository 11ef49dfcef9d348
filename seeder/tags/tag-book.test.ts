import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { parseImageReference } from "../../core/image-reference.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { StateFile } from "../state-file.ts";
import { TagBook } from "./tag-book.ts";

const names = ["quay.example/pond/fish:v1", "quay.example/pond/frog:v1"] as const;
const [fish, frog] = names.map(parseImageReference) as [Reference, Reference];
type Reference = ReturnType<typeof parseImageReference>;

function descriptorOf(seed: string) {
  return { mediaType: "manifest", digest: blobFixture(10, seed).digest, size: 10 };
}

async function folderWith(t: TestContext) {
  const path = join(testFolder(t), "tags.jsonl");
  const clock = new ManualClock();
  const open = async () =>
    TagBook.open({ file: new StateFile({ path, logger: new MemoryLogger() }), clock });
  return { path, clock, open };
}

test("what tags name, who said so and when outlives a crash", async (t) => {
  const { clock, open } = await folderWith(t);
  const book = await open();
  await book.note(fish, descriptorOf("a"), "registry");
  await book.note(frog, descriptorOf("b"), "pushed");
  clock.advance(5000);
  const again = await open();
  const expected = { ageMs: 5000, descriptor: descriptorOf("a"), source: "registry" };
  assert.deepEqual(again.find(names[0]), expected);
  assert.equal(again.find(names[1])?.source, "pushed");
  assert.equal(again.find("quay.example/pond/fish:v2"), undefined);
});

test("what is withdrawn is gone, and stays so", async (t) => {
  const { open } = await folderWith(t);
  const book = await open();
  await book.note(fish, descriptorOf("a"), "registry");
  await book.note(fish, descriptorOf("b"), "pushed");
  await book.withdraw(fish);
  assert.equal(book.find(names[0]), undefined);
  assert.equal((await open()).find(names[0]), undefined);
});

test("of what was pushed and is not written any more the registry decides again", async (t) => {
  const { open } = await folderWith(t);
  const book = await open();
  for (const tag of [fish, frog]) await book.note(tag, descriptorOf("a"), "registry");
  for (const tag of [fish, frog]) await book.note(tag, descriptorOf("b"), "pushed");
  await book.withdrawOthers([fish]);
  const sources = names.map((name) => book.find(name)?.source);
  assert.deepEqual(sources, ["pushed", "registry"]);
  assert.equal((await open()).find(names[1])?.source, "registry");
});

test("a tag that is confirmed again and again is not written each time", async (t) => {
  const { path, clock, open } = await folderWith(t);
  const book = await open();
  const tag = { descriptor: descriptorOf("a"), source: "registry", ageMs: 0 } as const;
  await book.note(fish, tag.descriptor, tag.source);
  const before = await readFile(path, "utf8");
  clock.advance(59_999);
  book.keep(names[0], tag);
  await new StateFile({ path: `${path}.other`, logger: new MemoryLogger() }).replace(() => "");
  assert.equal(await readFile(path, "utf8"), before);
  clock.advance(1);
  book.keep(names[0], tag);
  await book.save();
  assert.equal((await open()).find(names[0])?.ageMs, 0);
});

test("lines that are damaged are left out, wherever the file was cut", async (t) => {
  const { path, open } = await folderWith(t);
  const book = await open();
  await book.note(fish, descriptorOf("a"), "registry");
  await book.note(frog, descriptorOf("b"), "pushed");
  const text = await readFile(path, "utf8");
  const second = text.indexOf("\n");
  for (let length = 0; length < text.length; length += 7) {
    await writeFile(path, text.slice(0, length));
    const cut = await open();
    assert.equal(names.filter((name) => cut.find(name)).length, length >= second ? 1 : 0);
  }
});
