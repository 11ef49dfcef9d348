import assert from "node:assert/strict";
import { test } from "node:test";

import { LayerFormatError } from "../errors.ts";
import { paxRecord } from "../testing/tar-fixture.ts";
import { parsePaxRecords } from "./pax-records.ts";

test("parsePaxRecords() keeps values of any bytes", () => {
  const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const bytes = Buffer.concat([
    paxRecord("SCHILY.xattr.user.x", value),
    paxRecord("path", "é=\n"),
    paxRecord("SCHILY.xattr.user.empty", ""),
  ]);
  const records = parsePaxRecords(bytes);
  assert.deepEqual(Buffer.from(records.get("SCHILY.xattr.user.x") ?? "", "latin1"), value);
  assert.equal(Buffer.from(records.get("path") ?? "", "latin1").toString(), "é=\n");
  assert.equal(records.get("SCHILY.xattr.user.empty"), "");
});

test("parsePaxRecords() takes the last of records with one key", () => {
  const records = parsePaxRecords(Buffer.from("7 a=12\n7 a=34\n"));
  assert.deepEqual([...records], [["a", "34"]]);
});

const malformed = {
  "no length": "path=x\n",
  "no number for a length": "x path=y\n",
  "a length below that of itself": "3 a=b\n",
  "a length in the middle of it": "8 path=abc\n",
  "a length past the end": "99 a=b\n",
  "no line feed": "7 a=bcd",
  "no equals sign": "6 abc\n",
  "no key": "5 =a\n",
  "an equals sign of the next record": "6 abc\n6 a=b\n",
  "a zero byte in a path": "10 path=\0\n",
  "a zero byte in a key": "7 a\0=b\n",
  "a length only": "5",
  "an offset after an offset": "25 GNU.sparse.offset=512\n25 GNU.sparse.offset=512\n",
  "a length before an offset": "27 GNU.sparse.numbytes=512\n",
  "an offset that is a list": "25 GNU.sparse.offset=1,2\n",
};

for (const [what, text] of Object.entries(malformed)) {
  test(`parsePaxRecords() refuses ${what}`, () => {
    assert.throws(() => parsePaxRecords(Buffer.from(text)), LayerFormatError);
  });
}
