import { InvalidArgumentError } from "../../core/errors.ts";
import { unquote } from "./quoted-text.ts";

/** A piece of a filter. `quoted` has its quotes and escapes taken away. */
export interface Token {
  readonly kind: "field" | "value" | "operator" | "separator" | "quoted" | "end";
  /** Empty at the end. */
  readonly text: string;
  /** What a quoted piece had around it: `"`, `/` or `|`. */
  readonly quote?: string;
}

const spacePattern = /\s/u;
const fieldPattern = /[A-Za-z0-9_]/;
const operatorPattern = /[=!~]/;
/** Go's graphic characters that are neither space nor comma. */
const valuePattern = /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u;

/** What Go reads instead of bytes that are no UTF-8. It takes the character itself for that, too. */
const replacementCharacter = "\uFFFD";

/**
 * Cuts a filter into tokens. What a run of characters is depends on what came before:
 * after an operator it is a value.
 *
 * @see containerd pkg/filters/scanner.go
 */
export class FilterScanner {
  readonly #text: string;
  readonly #characters: readonly string[];
  #at = 0;
  #isValueNext = false;

  constructor(text: string) {
    this.#text = text;
    this.#characters = Array.from(text);
  }

  /** The next character, white space included; `undefined` at the end. */
  peek(): string | undefined {
    return this.#characters[this.#at];
  }

  /** @throws {InvalidArgumentError} when no token can start or end where it does. */
  next(): Token {
    while (spacePattern.test(this.peek() ?? "")) this.#at++;
    const first = this.peek();
    if (first === undefined) return { kind: "end", text: "" };
    if (first === '"' || first === "/" || first === "|") return this.#quoted(first);
    if (first === "," || first === ".") {
      this.#at++;
      this.#isValueNext = false;
      return { kind: "separator", text: first };
    }
    if (operatorPattern.test(first)) {
      this.#isValueNext = true;
      return { kind: "operator", text: this.#run(operatorPattern) };
    }
    if (this.#isValueNext) return this.#value();
    if (fieldPattern.test(first)) return { kind: "field", text: this.#run(fieldPattern) };
    throw this.error();
  }

  /** Says where the scanner stands. */
  error(): InvalidArgumentError {
    const filter = JSON.stringify(this.#text.slice(0, 200));
    return new InvalidArgumentError(`Cannot parse filter ${filter} at character ${this.#at}`);
  }

  #value(): Token {
    this.#isValueNext = false;
    let text = "";
    for (let next = this.peek(); next !== undefined && next !== ","; next = this.peek()) {
      if (next === replacementCharacter || !valuePattern.test(next)) break;
      text += next;
      this.#at++;
    }
    if (text === "") throw this.error();
    return { kind: "value", text };
  }

  #quoted(quote: string): Token {
    let end = this.#at + 1;
    while (end < this.#characters.length && this.#characters[end] !== quote) {
      end += this.#characters[end] === "\\" ? 2 : 1;
    }
    const inner = this.#characters.slice(this.#at + 1, end).join("");
    const text = end < this.#characters.length ? unquote(inner, quote) : undefined;
    if (text === undefined) throw this.error();
    this.#at = end + 1;
    return { kind: "quoted", text, quote };
  }

  #run(pattern: RegExp): string {
    const start = this.#at;
    while (pattern.test(this.peek() ?? "")) this.#at++;
    return this.#characters.slice(start, this.#at).join("");
  }
}
