import { configConflict } from "./config-conflict.ts";
import { type ContainerdConfig, localContentPlugin, topLevelKey } from "./containerd-config.ts";
import { type OwnEdit, linesOf } from "./own-edits.ts";
import { type TomlStatement, parseTomlStringArray } from "./toml-scanner.ts";

/**
 * Disables containerd's own store if we are one, and brings a simple file of version 1 to
 * version 2.
 */
export function disabledPluginsEdit(
  text: string,
  config: ContainerdConfig,
  { withContent }: { readonly withContent: boolean },
): OwnEdit[] {
  const { statements, version, disabledPlugins } = config;
  const isVersion1 = (version ?? 1) < 2;
  if ((!withContent || disabledPlugins.includes(localContentPlugin)) && !isVersion1) return [];
  const statement = topLevelKey(statements, "disabled_plugins");
  const lines = isVersion1
    ? ["version = 2", ...version2Lines(statement, withContent ? [localContentPlugin] : [])]
    : statement
      ? disabledWith(text, statement)
      : [disabledLine([localContentPlugin])];
  // A key of the top must stand before the first table; behind the version it is well placed.
  const start = statement?.start ?? topLevelKey(statements, "version")?.end ?? startOf(text);
  return [{ start, end: statement?.end ?? start, lines }];
}

/** Behind the mark that some editors put first. */
function startOf(text: string): number {
  return text.startsWith("\ufeff") ? 1 : 0;
}

function disabledLine(names: readonly string[]): string {
  return `disabled_plugins = ${JSON.stringify(names)}`;
}

/** The list of a file of version 1 as version 2 has it, with more at its end. */
function version2Lines(
  statement: TomlStatement | undefined,
  more: readonly string[],
): readonly string[] {
  const names = [...(statement ? namesIn(statement).map(version2Name) : []), ...more];
  return names.length === 0 ? [] : [disabledLine(names)];
}

function namesIn({ value }: TomlStatement): readonly string[] {
  const names = parseTomlStringArray(value);
  if (!names) throw configConflict("its disabled_plugins are not a list of names");
  return names;
}

/** The lines of the statement with our entry at the end of its array. */
function disabledWith(text: string, statement: TomlStatement): string[] {
  const names = namesIn(statement);
  const valueEnd = statement.valueStart + statement.value.length;
  const before = text.slice(statement.start, valueEnd - 1);
  const after = text.slice(valueEnd - 1, statement.end);
  return linesOf(insertEntry(before, names.length) + after);
}

/** Puts our entry behind the last one, which may stand before a comma or a comment. */
function insertEntry(before: string, count: number): string {
  const entry = JSON.stringify(localContentPlugin);
  if (!before.includes("\n")) {
    const list = before.trimEnd();
    const separator = count === 0 ? "" : list.endsWith(",") ? " " : ", ";
    return `${list}${separator}${entry}`;
  }
  // In a list over several lines the entries before may end with comments, so ours comes
  // first, where the bracket opens.
  return before.replace("[", `[${entry}${count === 0 ? "" : ", "}`);
}

function version2Name(name: string): string {
  return name === "cri" ? "io.containerd.grpc.v1.cri" : name;
}
