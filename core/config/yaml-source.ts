import {
  type Document,
  LineCounter,
  type Node,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
} from "yaml";

/** Problems that are told; who has more has the wrong file. */
export const problemsMax = 50;

/** Longest configuration that is read: far more than any, and parsed in an instant. */
export const configLengthMax = 256 * 1024;

/** Anchors are for the odd repeated block, not for growing a small file into a large value. */
const aliasesMax = 20;

/**
 * Brackets, or dashes on one line, that may be open at once. The parser recurses, and
 * V8 ends the whole process when the stack runs out inside of a regular expression.
 */
const nestingMax = 32;

/** What the parser says to programmers, in words for those who write the file. */
const inWords: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "begins a second document (---), want one in a file",
};

const nestedDashes = new RegExp(`^(?:[ \\t]*[-?:][ \\t]){${nestingMax}}`, "m");

/** Steps from the top of a configuration to one of its values. */
export type ConfigPath = readonly PropertyKey[];

/** The path as people write it: `mirror.ports[1].listen`. */
export function formatConfigPath(path: ConfigPath): string {
  return path
    .map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`))
    .join("")
    .replace(/^\./, "");
}

/** A YAML text that remembers where its values stand. */
export class YamlSource {
  readonly #document: Document.Parsed | undefined;
  readonly #lines = new LineCounter();
  readonly #file: string;
  /** What keeps the text from being read, each with its place; empty when it was read. */
  readonly problems: readonly string[];
  /** Mappings as objects, sequences as arrays; keys without a value are left out. */
  readonly value: unknown;

  constructor(text: string, file: string) {
    this.#file = file;
    if (Buffer.byteLength(text) > configLengthMax) {
      this.problems = [`${file}:1:1: is longer than ${configLengthMax} bytes`];
      return;
    }
    if (isNestedTooDeep(text)) {
      this.problems = [`${file}:1:1: is nested too deep`];
      return;
    }
    try {
      const document = parseDocument(text, {
        lineCounter: this.#lines,
        prettyErrors: false,
        // Nothing is printed here: warnings count as problems.
        logLevel: "error",
      });
      this.#document = document;
      this.problems = [...document.errors, ...document.warnings]
        .slice(0, problemsMax)
        .map(({ code, pos, message }) => `${this.#at(pos[0])}: ${inWords[code] ?? message}`);
      if (this.problems.length > 0) return;
      this.value = withoutNulls(document.toJS({ maxAliasCount: aliasesMax })) ?? {};
    } catch (error) {
      // Too many aliases.
      this.problems = [
        `${file}:1:1: cannot be read: ${error instanceof Error ? error.message : ""}`,
      ];
    }
  }

  /** `file:line:column` of the key at the path, or of the nearest one above it. */
  place(path: ConfigPath): string {
    let node: Node | null | undefined = this.#document?.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const step of path) {
      if (isAlias(node)) node = this.#document && node.resolve(this.#document);
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
        if (!pair) break;
        offset = (pair.key as Node).range?.[0] ?? offset;
        node = pair.value as Node | null;
      } else if (isSeq(node)) {
        node = node.items[Number(step)] as Node | undefined;
        offset = node?.range?.[0] ?? offset;
      } else break;
    }
    return this.#at(offset);
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  }
}

/** Counts what looks like a bracket also in text and comments, where so many are not needed. */
function isNestedTooDeep(text: string): boolean {
  let open = 0;
  for (const character of text) {
    if (character === "[" || character === "{") open++;
    if ((character === "]" || character === "}") && open > 0) open--;
    if (open > nestingMax) return true;
  }
  return nestedDashes.test(text);
}

/** A key whose lines below are all comments has no value: it counts as not there. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]) => [key, withoutNulls(item)] as const)
      .filter(([, item]) => item !== undefined),
  );
}
