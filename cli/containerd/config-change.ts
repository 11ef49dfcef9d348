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
 * Gives a key of a table a text: where the key stands, or behind the table's header, or
 * in a table of its own at the end.
 *
 * @throws {FailedPreconditionError} when the table cannot be added to.
 */
export function changedKey(
  text: string,
  statements: readonly TomlStatement[],
  place: { readonly table: readonly string[]; readonly key: string; readonly value: string },
): ConfigChange {
  const { table, key } = place;
  const value = JSON.stringify(place.value);
  const line = `${key} = ${value}`;
  const statement = keyAt(statements, [...table, key]);
  if (statement) return edited({ ...statement, lines: withValue(text, statement, value) });
  const header = tableAt(statements, table);
  if (header) {
    const [indent = ""] = /^[ \t]*/.exec(text.slice(header.start)) ?? [];
    return edited({ start: header.end, end: header.end, lines: [`${indent}  ${line}`] });
  }
  refuseClosedTable(statements, table);
  return { edits: [], lines: [`[${tableName(table)}]`, `  ${line}`] };
}

/** The lines of a statement with another value, and all else as it is. */
export function withValue(text: string, statement: TomlStatement, value: string): string[] {
  const { start, end, valueStart } = statement;
  const after = text.slice(valueStart + statement.value.length, end);
  return linesOf(text.slice(start, valueStart) + value + after);
}
