import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { runCommand } from "../command.ts";
import { stackOf } from "../interruptible.ts";
import { createTemporaryDirectory } from "../temporary-directory.ts";
import { compareTrees } from "./compare-trees.ts";
import { readTree } from "./read-tree.ts";
import {
  makeSampleTree,
  noTextName,
  removeXattr,
  setXattr,
  settledSeconds,
  settleTimes,
} from "./sample-tree.ts";

async function makeTwins(t: TestContext): Promise<{ actual: string; expected: string }> {
  const { path: directory } = stackOf(t).use(await createTemporaryDirectory());
  const twins = { actual: join(directory, "actual"), expected: join(directory, "expected") };
  await makeSampleTree(twins.actual);
  await runCommand(["cp", "--archive", twins.actual, twins.expected]);
  for (const root of [twins.actual, twins.expected]) await settleTimes(root);
  return twins;
}

function settledTime(nanoseconds = "0"): string {
  return `${settledSeconds}.${nanoseconds.padStart(9, "0")}`;
}

test("trees that were made alike are equal, however often they are read", async (t) => {
  const { actual, expected } = await makeTwins(t);
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(compareTrees(readTree(actual), readTree(expected)), []);
  }
});

interface Change {
  readonly what: string;
  readonly change: (at: (name: string) => string) => unknown;
  readonly told: readonly string[];
  /** Of times, which are not to be set back then. */
  readonly isOfTimes?: boolean;
}

/** The three names of one file. */
const toolNames = ["bin/again", "bin/same", "bin/tool"];

const toolDigest = "7c9bbe5ec9b3fb774e8fa0f54247e93c34ddf8e5d16fe3073420de0ae81a262d";
const lootDigest = "5c52b6deb3631a09d8c4f642675052e28acb2e7fff38a3e86067a25ef23b796a";
const toolsDigest = "f9d35d43770d39092a663e665e82ae1d84a9e0da3d0d10c407acada6a40cd281";

const changes: readonly Change[] = [
  {
    what: "another mode",
    change: (at) => chmodSync(at("bin/deep"), 0o1777),
    told: ['bin/deep: mode is "1777", should be "755"'],
  },
  {
    what: "another owner",
    change: (at) => chownSync(at("fifo"), 1, 2),
    told: ['fifo: owner is "1:2", should be "0:0"'],
  },
  {
    what: "another time, by a nanosecond",
    change: (at) => runCommand(["touch", "-m", "-d", `@${settledTime("1")}`, at("bin/deep")]),
    told: [`bin/deep: mtime is "${settledTime("1")}", should be "${settledTime()}"`],
    isOfTimes: true,
  },
  {
    what: "another access time of a file",
    change: (at) => utimesSync(at("bin/tool"), 1, settledSeconds),
    told: toolNames.map((name) => `${name}: atime is "1.000000000", should be "${settledTime()}"`),
    isOfTimes: true,
  },
  {
    what: "one bit of an xattr",
    change: (at) => setXattr(at("bin/tool"), "user.bytes", "0081ff"),
    told: toolNames.map((name) => `${name}: xattr user.bytes is "0081ff", should be "0080ff"`),
  },
  {
    what: "an empty xattr too many",
    change: (at) => setXattr(at("null"), "trusted.more", ""),
    told: ['null: xattr trusted.more is "", should be not there'],
  },
  {
    what: "a missing xattr",
    change: (at) => removeXattr(at("bin/deep"), "trusted.overlay.opaque"),
    told: ['bin/deep: xattr trusted.overlay.opaque is not there, should be "79"'],
  },
  {
    what: "an xattr of a symlink itself",
    change: (at) => setXattr(at("bin/there"), "trusted.of-link", "02"),
    told: ['bin/there: xattr trusted.of-link is "02", should be "01"'],
  },
  {
    what: "another device number",
    change: async (at) => {
      rmSync(at("loop"));
      await runCommand(["mknod", at("loop"), "b", "4095", "255"]);
    },
    told: ['loop: device is "4095:255", should be "7:1048575"'],
  },
  {
    what: "another type",
    change: (at) => {
      rmSync(at("fifo"));
      symlinkSync("bin", at("fifo"));
    },
    told: [
      'fifo: type is "symlink", should be "FIFO"',
      'fifo: mode is "777", should be "644"',
      `fifo: atime is not there, should be "${settledTime()}"`,
      'fifo: target is "bin", should be not there',
    ],
  },
  {
    what: "another target",
    change: async (at) => {
      rmSync(at("bin/there"));
      symlinkSync("same", at("bin/there"));
      await setXattr(at("bin/there"), "trusted.of-link", "01");
    },
    told: ['bin/there: target is "same", should be "tool"'],
  },
  {
    what: "other content of the same length",
    change: (at) => writeFileSync(at("bin/tool"), "loot"),
    told: toolNames.map((name) => `${name}: content is "${lootDigest}", should be "${toolDigest}"`),
  },
  {
    what: "more content",
    change: (at) => appendFileSync(at("bin/tool"), "s"),
    told: toolNames.flatMap((name) => [
      `${name}: size is "5", should be "4"`,
      `${name}: content is "${toolsDigest}", should be "${toolDigest}"`,
    ]),
  },
  {
    what: "a copy in place of a link",
    change: async (at) => {
      rmSync(at("bin/same"));
      await runCommand(["cp", "--archive", at("bin/tool"), at("bin/same")]);
    },
    told: [
      'bin/again: links is "2", should be "3"',
      'bin/same: links is not there, should be "3"',
      'bin/same: same file as is not there, should be "bin/again"',
      'bin/tool: links is "2", should be "3"',
    ],
  },
  {
    what: "a link to another file that is like it, with as many links as before,",
    change: (at) => {
      for (const name of ["bin/other-same", "bin/again", "bin/same"]) rmSync(at(name));
      linkSync(at("bin/tool"), at("bin/other-same"));
      for (const name of ["bin/again", "bin/same"]) linkSync(at("bin/other"), at(name));
    },
    told: [
      'bin/other: links is "3", should be "2"',
      'bin/other: same file as is "bin/again", should be "bin/other"',
      'bin/other-same: same file as is "bin/other-same", should be "bin/other"',
      'bin/tool: links is "2", should be "3"',
      'bin/tool: same file as is "bin/other-same", should be "bin/again"',
    ],
  },
  {
    what: "a name too many",
    change: (at) => writeFileSync(at("bin/deep/more"), ""),
    told: ["bin/deep/more: should not be there, is a file"],
  },
  {
    what: "a missing name that is no text",
    change: (at) => rmSync(noTextName(at(""))),
    told: ["bin/\\xff\\x0a: is missing, should be a file"],
  },
];

for (const { what, change, told, isOfTimes = false } of changes) {
  test(`${what} is told`, async (t) => {
    const { actual, expected } = await makeTwins(t);
    await change((name) => join(actual, name));
    if (!isOfTimes) await settleTimes(actual);
    assert.deepEqual(compareTrees(readTree(actual), readTree(expected)), told);
  });
}

test("times of the writing itself are alike, and unlike others", async (t) => {
  const { actual, expected } = await makeTwins(t);
  const options = { writtenSinceMs: Date.now() };
  utimesSync(join(expected, "bin"), new Date(), new Date());
  for (const name of ["bin", "bin/deep"]) {
    utimesSync(join(actual, name), new Date(), new Date());
  }
  const differences = compareTrees(readTree(actual, options), readTree(expected, options));
  assert.deepEqual(differences, [`bin/deep: mtime is "now", should be "${settledTime()}"`]);
});

test("the command ends with 0 for equal trees only", async (t) => {
  const { actual, expected } = await makeTwins(t);
  const command = [process.execPath, join(import.meta.dirname, "compare-main.ts")] as const;
  assert.equal((await runCommand([...command, actual, expected])).stdout, "");
  chmodSync(join(actual, "fifo"), 0o600);
  await assert.rejects(runCommand([...command, actual, expected]), {
    status: 1,
    stdout: 'fifo: mode is "600", should be "644"\n',
  });
});
