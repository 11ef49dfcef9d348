import { configConflict } from "./config-conflict.ts";
import type { TomlStatement } from "./toml-scanner.ts";

/** The statement that gives a key its value, in whatever table it stands. */
export function keyAt(
  statements: readonly TomlStatement[],
  path: readonly string[],
): TomlStatement | undefined {
  return statements.find((statement) => statement.kind === "key" && isSame(statement.path, path));
}

/** The header of a table, or the first of an array of tables. */
export function tableAt(
  statements: readonly TomlStatement[],
  path: readonly string[],
): TomlStatement | undefined {
  return statements.find((statement) => statement.kind === "table" && isSame(statement.path, path));
}

/**
 * Sees to it that a header `[path]` may stand at the end of the file. It must not when the
 * table, or one that it is in, is an inline table or comes of keys with dots.
 *
 * @throws {FailedPreconditionError}
 */
export function refuseClosedTable(
  statements: readonly TomlStatement[],
  path: readonly string[],
): void {
  let header: readonly string[] = [];
  for (const statement of statements) {
    if (statement.kind === "table") {
      header = statement.path;
      continue;
    }
    const isInline = startsWith(path, statement.path);
    const isDotted = startsWith(statement.path, path) && header.length < path.length;
    if (!isInline && !isDotted) continue;
    throw configConflict(
      `its ${tableName(path)} is not written as a table with a header of its own`,
    );
  }
}

/** A path as a header has it. */
export function tableName(path: readonly string[]): string {
  return path.map((part) => (/^[\w-]+$/.test(part) ? part : JSON.stringify(part))).join(".");
}

export function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return isSame(path.slice(0, start.length), start);
}

function isSame(path: readonly string[], other: readonly string[]): boolean {
  return path.length === other.length && path.every((part, index) => part === other[index]);
}
