import assert from "node:assert/strict";
import { test } from "node:test";

import { SeededRandom } from "./seeded-random.test-support.ts";
import { encodeHeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { ConnectionError, resetCodes } from "./protocol.ts";

interface Vector {
  readonly section: string;
  readonly tableBytesMax: number;
  /** Blocks of one connection, in hex, with the fields that they stand for. */
  readonly blocks: readonly (readonly [hex: string, fields: readonly string[]])[];
}

const requests = [
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
  [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"].concat(
    "cache-control: no-cache",
  ),
  [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com"].concat(
    "custom-key: custom-value",
  ),
];

const responses = ["302", "307", "200"].map((status, nth) => [
  `:status: ${status}`,
  "cache-control: private",
  `date: Mon, 21 Oct 2013 20:13:2${nth < 2 ? 1 : 2} GMT`,
  "location: https://www.example.com",
  ...(nth < 2
    ? []
    : [
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
      ]),
]);

/** RFC 7541, appendix C; in C.5 and C.6 the table is so small that entries are evicted. */
const vectors: readonly Vector[] = [
  {
    section: "C.2.1",
    tableBytesMax: 4096,
    blocks: [
      ["400a637573746f6d2d6b65790d637573746f6d2d686561646572", ["custom-key: custom-header"]],
    ],
  },
  {
    section: "C.2.2",
    tableBytesMax: 4096,
    blocks: [["040c2f73616d706c652f70617468", [":path: /sample/path"]]],
  },
  {
    section: "C.2.3",
    tableBytesMax: 4096,
    blocks: [["100870617373776f726406736563726574", ["password: secret"]]],
  },
  { section: "C.2.4", tableBytesMax: 4096, blocks: [["82", [":method: GET"]]] },
  {
    section: "C.3",
    tableBytesMax: 4096,
    blocks: [
      ["828684410f7777772e6578616d706c652e636f6d", requests[0] ?? []],
      ["828684be58086e6f2d6361636865", requests[1] ?? []],
      ["828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", requests[2] ?? []],
    ],
  },
  {
    section: "C.4",
    tableBytesMax: 4096,
    blocks: [
      ["828684418cf1e3c2e5f23a6ba0ab90f4ff", requests[0] ?? []],
      ["828684be5886a8eb10649cbf", requests[1] ?? []],
      ["828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", requests[2] ?? []],
    ],
  },
  {
    section: "C.5",
    tableBytesMax: 256,
    blocks: [
      [
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54" +
          "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        responses[0] ?? [],
      ],
      ["4803333037c1c0bf", responses[1] ?? []],
      [
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f" +
          "3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b20" +
          "76657273696f6e3d31",
        responses[2] ?? [],
      ],
    ],
  },
  {
    section: "C.6",
    tableBytesMax: 256,
    blocks: [
      [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f" +
          "0b97c8e9ae82ae43d3",
        responses[0] ?? [],
      ],
      ["4883640effc1c0bf", responses[1] ?? []],
      [
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335df" +
          "dfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
        responses[2] ?? [],
      ],
    ],
  },
];

for (const { section, tableBytesMax, blocks } of vectors) {
  test(`HpackDecoder decodes RFC 7541, ${section}`, () => {
    const decoder = new HpackDecoder({ tableBytesMax, listBytesMax: 65536 });
    for (const [hex, fields] of blocks) assert.deepEqual(decode(decoder, hex), fields);
  });
}

test("HpackDecoder takes a truncated block for an error or for fewer fields, never for others", () => {
  for (const { tableBytesMax, blocks } of vectors) {
    const [hex, fields] = blocks[0] ?? ["", []];
    for (let end = 0; end < hex.length; end += 2) {
      const decoder = new HpackDecoder({ tableBytesMax, listBytesMax: 65536 });
      const found = decodeOrCode(decoder, hex.slice(0, end));
      if (found === resetCodes.compressionError) continue;
      assert.deepEqual(found, fields.slice(0, Array.isArray(found) ? found.length : 0));
    }
  }
});

const hostile = [
  ["an index of 0", "80"],
  ["an index that nothing has", "be"],
  ["an index beyond all bounds", "ffffffffffffffff7f"],
  ["an integer without end", "ffffffffffffffffffffffffff"],
  ["a string longer than the block", "40017f7f"],
  ["a table size update after a field", "8220"],
  ["a table size update beyond the setting", "3fe21f"],
  ["Huffman padding of more than 7 bits", "40016182ffff"],
  ["Huffman padding with zeros", "4001618100"],
  ["EOS within a Huffman string", "40016184fffffffc"],
] as const;

for (const [what, hex] of hostile) {
  test(`HpackDecoder refuses ${what}`, () => {
    const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65536 });
    assert.equal(decodeOrCode(decoder, hex), resetCodes.compressionError);
  });
}

test("HpackDecoder empties the table when its size is set to 0", () => {
  const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65536 });
  assert.deepEqual(decode(decoder, "4001610162"), ["a: b"]);
  assert.deepEqual(decode(decoder, "be"), ["a: b"]);
  assert.deepEqual(decode(decoder, "203fe11f"), []);
  assert.equal(decodeOrCode(decoder, "be"), resetCodes.compressionError);
});

test("HpackDecoder drops the fields of a list that is too large, and stays in step", () => {
  const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 100 });
  const large = decoder.decode(Buffer.from("4001610162" + "be".repeat(10), "hex"));
  assert.equal(large.tooLarge, true);
  assert.equal(large.fields.length, 2);
  assert.deepEqual(decode(decoder, "be"), ["a: b"]);
});

test("HpackDecoder decodes what encodeHeaderBlock() encodes, whatever is in the table", () => {
  const random = new SeededRandom(7541);
  const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 1 << 24 });
  for (let round = 0; round < 300; round++) {
    const fields = Array.from({ length: random.below(8) }, () => ({
      name: random.latin1(1 + random.below(30)),
      value: random.latin1(random.below(300)),
    }));
    decoder.decode(Buffer.from("4001610162", "hex"));
    assert.deepEqual(decoder.decode(encodeHeaderBlock(fields)).fields, fields);
  }
  const known = [{ name: ":method", value: "POST" }];
  assert.deepEqual(encodeHeaderBlock(known), Buffer.of(0x83));
});

test("HpackDecoder answers random blocks with fields or a compression error", () => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 20_000; round++) {
    const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65536 });
    decodeOrCode(decoder, random.bytes(1 + random.below(40)).toString("hex"));
  }
});

function decode(decoder: HpackDecoder, hex: string): string[] {
  const { fields } = decoder.decode(Buffer.from(hex, "hex"));
  return fields.map(({ name, value }) => `${name}: ${value}`);
}

function decodeOrCode(decoder: HpackDecoder, hex: string): string[] | number {
  try {
    return decode(decoder, hex);
  } catch (error) {
    assert.ok(error instanceof ConnectionError);
    return error.code;
  }
}
