import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../digest.ts";
import { UnavailableError } from "../errors.ts";
import { parseTagAnswer, renderTagAnswer } from "./tag-answer.ts";

const descriptor = { mediaType: "a/b", digest: digestOf(Buffer.from("a")), size: 7 };
const answer = { descriptor, source: "stale", ageMs: 12 } as const;

test("parseTagAnswer() reads what renderTagAnswer() writes", () => {
  const text = JSON.stringify(renderTagAnswer(answer));
  assert.deepEqual(parseTagAnswer(Buffer.from(text)), answer);
});

test("an answer of unknown age can be read, too", () => {
  const text = JSON.stringify(renderTagAnswer({ ...answer, ageMs: Infinity }));
  assert.equal(parseTagAnswer(Buffer.from(text)).ageMs, Number.MAX_SAFE_INTEGER);
});

test("parseTagAnswer() refuses what is none, wherever it is cut", () => {
  const text = JSON.stringify(renderTagAnswer(answer));
  const odd = [{ size: -1 }, { size: 2 ** 40 }, { digest: "x" }, { source: "me" }, { ageMs: -1 }];
  const texts = odd.map((part) =>
    JSON.stringify({ ...descriptor, source: "stale", ageMs: 0, ...part }),
  );
  for (let length = 0; length < text.length; length++) texts.push(text.slice(0, length));
  for (const one of texts) assert.throws(() => parseTagAnswer(Buffer.from(one)), UnavailableError);
});
