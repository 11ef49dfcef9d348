// Tells the differences of two directory trees: node compare-main.ts ACTUAL EXPECTED
import { compareTrees } from "./compare-trees.ts";
import { readTree } from "./read-tree.ts";

const [actual, expected] = process.argv.slice(2);
if (actual === undefined || expected === undefined) {
  process.stderr.write("usage: compare-main.ts ACTUAL EXPECTED\n");
  process.exitCode = 2;
} else {
  const differences = compareTrees(readTree(actual), readTree(expected));
  process.stdout.write(differences.map((difference) => `${difference}\n`).join(""));
  process.exitCode = differences.length === 0 ? 0 : 1;
}
