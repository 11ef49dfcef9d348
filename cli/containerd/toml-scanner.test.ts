import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { InvalidArgumentError } from "../../core/errors.ts";
import { parseTomlString, parseTomlStringArray, scanToml } from "./toml-scanner.ts";

const sample = `# top
version = 2 # two
disabled_plugins = [
  "a", # ]
  'b',
]
"odd.key" . x = """
[not.a.table]
"quoted" """

[plugins."io.containerd.grpc.v1.cri"] # cri
  list = [["x"], { a = 1 }]
  date = 2024-01-02T03:04:05Z
[[arrays.of]]
  path = 'C:\\'
`;

test("scanToml() finds tables and keys with their full paths and values", () => {
  const found = scanToml(sample).map(({ kind, path, value }) => [kind, path.join("|"), value]);
  assert.deepEqual(found, [
    ["key", "version", "2"],
    ["key", "disabled_plugins", `[\n  "a", # ]\n  'b',\n]`],
    ["key", "odd.key|x", `"""\n[not.a.table]\n"quoted" """`],
    ["table", "plugins|io.containerd.grpc.v1.cri", ""],
    ["key", "plugins|io.containerd.grpc.v1.cri|list", `[["x"], { a = 1 }]`],
    ["key", "plugins|io.containerd.grpc.v1.cri|date", "2024-01-02T03:04:05Z"],
    ["table", "arrays|of", ""],
    ["key", "arrays|of|path", "'C:\\'"],
  ]);
});

test("scanToml() gives the lines on which a statement stands", () => {
  const [version, disabled] = scanToml(sample);
  assert.equal(sample.slice(version?.start, version?.end), "version = 2 # two\n");
  assert.match(sample.slice(disabled?.start, disabled?.end), /^disabled_plugins = \[\n[^]*\n\]\n$/);
  assert.equal(sample.slice(disabled?.valueStart, disabled?.end).startsWith("["), true);
});

test("scanToml() reads what containerd itself writes", async () => {
  const folder = new URL("fixtures/", import.meta.url);
  for (const name of await readdir(folder)) {
    const text = await readFile(new URL(name, folder), "utf8");
    const statements = scanToml(text);
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    assert.equal(statements.length, lines.length, name);
  }
});

test("scanToml() refuses what is no TOML, with the line", () => {
  const bad = [
    "a",
    "a =",
    "a = [1",
    '\na = "x',
    "a = 1 b = 2",
    "[a",
    "[a]]",
    "a = ]",
    "= 1",
    "a = @",
    '"a = 1',
    "a.=1",
  ];
  for (const text of bad) {
    assert.throws(() => scanToml(text), InvalidArgumentError, JSON.stringify(text));
  }
  assert.throws(() => scanToml("a = 1\n\nb"), /at line 3/);
  assert.throws(() => scanToml(`a = ${"[".repeat(1000)}`), /nested too deep/);
});

test("scanToml() ends on every truncation and on random changes", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const tolerate = (text: string) => {
    try {
      scanToml(text);
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError, String(error));
    }
  };
  for (let length = 0; length <= sample.length; length++) tolerate(sample.slice(0, length));
  for (let round = 0; round < 1000; round++) {
    const at = random(sample.length);
    tolerate(sample.slice(0, at) + `[]{}"'=.#\n,\\`.charAt(random(12)) + sample.slice(at + 1));
  }
});

test("parseTomlString() reads one-line strings only", () => {
  assert.equal(parseTomlString('"a\\"b"'), 'a"b');
  assert.equal(parseTomlString("'a\\b'"), "a\\b");
  for (const text of ['"', "''' '''", "1", '"a"b"', '"\\U0001F41F"', ""]) {
    assert.equal(parseTomlString(text), undefined, text);
  }
});

test("parseTomlStringArray() reads lists of strings only", () => {
  assert.deepEqual(parseTomlStringArray(`["a", 'b' , # "c"\n "d",]`), ["a", "b", "d"]);
  assert.deepEqual(parseTomlStringArray("[]"), []);
  for (const text of ["[1]", "{}", '[["a"]]', '"a"', ""]) {
    assert.equal(parseTomlStringArray(text), undefined, text);
  }
});
