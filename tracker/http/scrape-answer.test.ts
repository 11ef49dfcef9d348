import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeBencode, isDictionary } from "../../core/bencode.ts";
import { type ScrapeCounts, scrapeAnswer } from "./scrape-answer.ts";

const none: ScrapeCounts = { complete: 0, incomplete: 0 };

function failureIn(query: string): string {
  const answer = decodeBencode(Buffer.from(scrapeAnswer(query, () => none).body));
  const reason = isDictionary(answer) ? answer.get("failure reason") : undefined;
  return reason instanceof Uint8Array ? Buffer.from(reason).toString() : "";
}

test("scrapeAnswer() names torrents by their bytes, in order", () => {
  const high = "%ff".repeat(20);
  const query = `info_hash=${high}&info_hash=aaaaaaaaaaaaaaaaaaa%00&info_hash=${high}`;
  const { body } = scrapeAnswer(query, (infoHash) =>
    infoHash.startsWith("ff") ? { complete: 2, incomplete: 3 } : none,
  );
  const expected = Buffer.concat([
    Buffer.from("d5:filesd20:aaaaaaaaaaaaaaaaaaa\0"),
    Buffer.from("d8:completei0e10:downloadedi0e10:incompletei0ee20:"),
    Buffer.alloc(20, 0xff),
    Buffer.from("d8:completei2e10:downloadedi2e10:incompletei3eeee"),
  ]);
  assert.deepEqual(Buffer.from(body), expected);
});

test("scrapeAnswer() refuses to tell of all torrents, of too many and of malformed ones", () => {
  const one = "info_hash=aaaaaaaaaaaaaaaaaaaa";
  for (const query of ["", "info_hash=", "info_hash=aaa", "info_hash=%ff%zz", `${one}a`]) {
    assert.match(failureIn(query), /^Cannot /, query);
  }
  assert.match(failureIn(Array(75).fill(one).join("&")), /want 1 to 74/);
  assert.equal(failureIn(Array(74).fill(one).join("&")), "");
});
