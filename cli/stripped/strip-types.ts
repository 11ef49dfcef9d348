// Takes a JSON array of TypeScript sources, and gives one of the same without their types; `null`
// for what has a mistake. Run by preload.cjs, in a process of its own.
import assert from "node:assert/strict";
import { stripTypeScriptTypes } from "node:module";
import { text } from "node:stream/consumers";

const sources: unknown = JSON.parse(await text(process.stdin));
assert(Array.isArray(sources));

process.stdout.write(JSON.stringify(sources.map((source: unknown) => strippedOf(source))));

function strippedOf(source: unknown): string | null {
  assert(typeof source === "string");
  try {
    return stripTypeScriptTypes(source);
  } catch {
    return null;
  }
}
