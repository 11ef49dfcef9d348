import { type OwnEdit, linesOf } from "./own-edits.ts";
import type { TomlStatement } from "./toml-scanner.ts";
import { keyAt, refuseClosedTable, tableAt, tableName } from "./toml-table.ts";

/** What is to be done to a configuration: in its middle, and at its end. */
export interface ConfigChange {
  readonly edits: readonly OwnEdit[];
  /** Lines for the end, without their ends. */
  readonly lines: readonly string[];
}

export const unchanged: ConfigChange = { edits: [], lines: [] };

export function edited(edit: OwnEdit): ConfigChange {
  return { edits: [edit], lines: [] };
}

/** Both changes, where they touch different keys. */
export function joined(changes: readonly ConfigChange[]): ConfigChange {
  return {
    edits: changes.flatMap(({ edits }) => edits),
    lines: changes.flatMap(({ lines }) => lines),
  };
}

/**
 * Gives keys of a table values: where the keys stand, or beside one that stands, or behind
 * the table's header, or in a table of its own at the end.
 *
 * @throws {FailedPreconditionError} when the table cannot be added to.
 */
export function changedKeys(
  text: string,
  statements: readonly TomlStatement[],
  place: {
    readonly table: readonly string[];
    readonly values: Readonly<Record<string, string | boolean>>;
  },
): ConfigChange {
  const { table, values } = place;
  const present: TomlStatement[] = [];
  const edits: OwnEdit[] = [];
  const missing: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    const wanted = JSON.stringify(value);
    const statement = keyAt(statements, [...table, key]);
    if (!statement) missing.push(`${key} = ${wanted}`);
    else present.push(statement);
    if (statement && statement.value !== wanted) {
      edits.push({ ...statement, lines: withValue(text, statement, wanted) });
    }
  }
  if (missing.length === 0) return { edits, lines: [] };
  const [beside] = present;
  const header = tableAt(statements, table);
  if (beside) {
    const start = keyStartOf(text, beside);
    return { edits: [...edits, insertion(beside.end, start, missing)], lines: [] };
  }
  if (header) {
    const [indent = ""] = /^[ \t]*/.exec(text.slice(header.start)) ?? [];
    return edited(insertion(header.end, `${indent}  `, missing));
  }
  refuseClosedTable(statements, table);
  const lines = missing.map((line) => `  ${line}`);
  return { edits: [], lines: [`[${tableName(table)}]`, ...lines] };
}

function insertion(offset: number, lineStart: string, lines: readonly string[]): OwnEdit {
  return { start: offset, end: offset, lines: lines.map((line) => lineStart + line) };
}

/** What stands before the last part of a key: its line's indent, and its parts with their dots. */
function keyStartOf(text: string, { start, valueStart }: TomlStatement): string {
  return text
    .slice(start, valueStart)
    .replace(/^[^]*\n(?!$)/, "")
    .replace(/["']?[\w-]+["']?\s*=\s*$/, "");
}

/** The lines of a statement with another value, and all else as it is. */
export function withValue(text: string, statement: TomlStatement, value: string): string[] {
  const { start, end, valueStart } = statement;
  const after = text.slice(valueStart + statement.value.length, end);
  return linesOf(text.slice(start, valueStart) + value + after);
}
