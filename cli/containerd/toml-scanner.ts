import { InvalidArgumentError } from "../../core/errors.ts";

/** A table header or a key with its value, and where it stands. */
export interface TomlStatement {
  readonly kind: "table" | "key";
  /** Full path: that of the table it stands in, then its own. */
  readonly path: readonly string[];
  /** Text of the value without the comment after it; empty for a table header. */
  readonly value: string;
  /** Offset of the first character of its first line. */
  readonly start: number;
  /** Offset after the line break of its last line. */
  readonly end: number;
  /** Offset of {@link value}. */
  readonly valueStart: number;
}

/**
 * Finds the statements of a TOML text. Reads just as much of TOML as is needed to
 * change single lines of containerd's configuration and leave all others alone.
 *
 * @param name What errors call the text, such as the path of its file.
 * @throws {InvalidArgumentError} with the line, when the text is no TOML.
 * @see TOML v1.0.0
 */
export function scanToml(text: string, name = "the configuration"): TomlStatement[] {
  const scanner = new Scanner(text, name);
  const statements: TomlStatement[] = [];
  let table: readonly string[] = [];
  for (;;) {
    const start = scanner.nextStatement();
    if (start === undefined) return statements;
    if (text.charAt(scanner.position) === "[") {
      table = scanner.header();
      const end = scanner.endOfLine();
      statements.push({ kind: "table", path: table, value: "", start, end, valueStart: end });
    } else {
      const key = scanner.keyPath();
      scanner.expect("=");
      scanner.skipSpaces();
      const valueStart = scanner.position;
      scanner.skipValue();
      const value = text.slice(valueStart, scanner.position);
      const end = scanner.endOfLine();
      statements.push({ kind: "key", path: [...table, ...key], value, start, end, valueStart });
    }
  }
}

/** Brackets that may be open at once in one value. */
const depthMax = 64;

class Scanner {
  readonly #text: string;
  readonly #name: string;
  position = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  /** Goes to the next statement, and gives the start of its line. */
  nextStatement(): number | undefined {
    for (;;) {
      const start = this.position;
      this.skipSpaces();
      const character = this.#text.charAt(this.position);
      if (character === "" && this.position >= this.#text.length) return undefined;
      if (character !== "#" && character !== "\n" && character !== "\r") return start;
      this.endOfLine();
    }
  }

  skipSpaces(): void {
    while (/[ \t\ufeff]/.test(this.#text.charAt(this.position))) this.position++;
  }

  expect(wanted: string): void {
    this.skipSpaces();
    if (!this.#text.startsWith(wanted, this.position)) throw this.#fail(`want ${wanted}`);
    this.position += wanted.length;
  }

  /** Takes the rest of the line, which may hold a comment only. Gives where the next one starts. */
  endOfLine(): number {
    this.skipSpaces();
    const end = this.#text.indexOf("\n", this.position);
    const rest = this.#text.slice(this.position, end === -1 ? undefined : end);
    if (!/^(#|\r?$)/.test(rest)) throw this.#fail("want the end of the line");
    this.position = end === -1 ? this.#text.length : end + 1;
    return this.position;
  }

  /** `[a.b]` or `[[a.b]]`. */
  header(): readonly string[] {
    const isArray = this.#text.startsWith("[[", this.position);
    this.expect(isArray ? "[[" : "[");
    const path = this.keyPath();
    this.expect(isArray ? "]]" : "]");
    return path;
  }

  /** `a."b.c".'d'` */
  keyPath(): readonly string[] {
    const path: string[] = [];
    do {
      this.skipSpaces();
      path.push(this.#key());
      this.skipSpaces();
    } while (this.#take("."));
    return path;
  }

  /** Goes behind a value of any kind. */
  skipValue(): void {
    let depth = 0;
    do {
      const character = this.#text.charAt(this.position);
      if (character === '"' || character === "'") this.#skipString(character);
      else if (character === "[" || character === "{") {
        if (++depth > depthMax) throw this.#fail("nested too deep");
        this.position++;
      } else if (character === "]" || character === "}") {
        if (--depth < 0) throw this.#fail("unexpected bracket");
        this.position++;
      } else if (depth > 0 && (character === "#" || character === "\n" || character === "\r")) {
        this.endOfLine();
      } else if (/[\w.+:-]/.test(character)) this.#skipWord();
      else if (depth > 0 && /[,= \t]/.test(character)) this.position++;
      else throw this.#fail("no value that can be read");
    } while (depth > 0);
  }

  #key(): string {
    const quote = this.#text.charAt(this.position);
    if (quote === '"' || quote === "'") {
      const start = this.position;
      this.#skipString(quote);
      return parseTomlString(this.#text.slice(start, this.position)) ?? "";
    }
    const [word] = /^[\w-]+/.exec(this.#text.slice(this.position, this.position + 256)) ?? [];
    if (word === undefined) throw this.#fail("want a key");
    this.position += word.length;
    return word;
  }

  #skipWord(): void {
    // A date may have a space in it; containerd's configuration has no dates.
    while (/[\w.+:-]/.test(this.#text.charAt(this.position))) this.position++;
  }

  #skipString(quote: string): void {
    const isLong = this.#text.startsWith(quote.repeat(3), this.position);
    const mark = isLong ? quote.repeat(3) : quote;
    this.position += mark.length;
    while (!this.#text.startsWith(mark, this.position)) {
      const character = this.#text.charAt(this.position);
      if (character === "" || (character === "\n" && !isLong)) throw this.#fail("no end of text");
      this.position += character === "\\" && quote === '"' ? 2 : 1;
    }
    this.position += mark.length;
    // Up to two quotes may stand before the three that end a long text.
    while (isLong && this.#text.charAt(this.position) === quote) this.position++;
  }

  #take(character: string): boolean {
    if (this.#text.charAt(this.position) !== character) return false;
    this.position++;
    return true;
  }

  #fail(why: string): InvalidArgumentError {
    const line = this.#text.slice(0, this.position).split("\n").length;
    return new InvalidArgumentError(`Cannot read ${this.#name} as TOML at line ${line}: ${why}`);
  }
}

/** The text of a one-line TOML string with its quotes; `undefined` for other values. */
export function parseTomlString(value: string): string | undefined {
  if (/^'[^'\n]*'$/.test(value)) return value.slice(1, -1);
  if (!/^"(?:[^"\\\n]|\\.)*"$/.test(value)) return undefined;
  try {
    // Where TOML has escapes that JSON has not, the text is not one that we look for.
    return JSON.parse(value) as string;
  } catch {
    return undefined;
  }
}

/** The strings of a TOML array; `undefined` when it is none, or not of strings alone. */
export function parseTomlStringArray(value: string): string[] | undefined {
  if (!value.startsWith("[") || !value.endsWith("]")) return undefined;
  const items: string[] = [];
  const token = /\s+|#[^\n]*|,|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
  token.lastIndex = 1;
  while (token.lastIndex < value.length - 1) {
    const [found] = token.exec(value) ?? [];
    if (found === undefined) return undefined;
    if (!/^["']/.test(found)) continue;
    const item = parseTomlString(found);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}
