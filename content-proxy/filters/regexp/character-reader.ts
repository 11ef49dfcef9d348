import { PatternError } from "./pattern.ts";

/** Walks over the characters of a regular expression. */
export class CharacterReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The next UTF-16 unit; empty at the end. */
  peek(): string {
    return this.#text.charAt(this.#at);
  }

  /** Goes over `expected` if that is what comes next. */
  take(expected: string): boolean {
    const comes = this.#text.startsWith(expected, this.#at);
    if (comes) this.#at += expected.length;
    return comes;
  }

  /** Goes over what a sticky pattern matches here. */
  takeMatch(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text)?.[0];
    this.#at += match?.length ?? 0;
    return match;
  }

  /** Goes over the next character. @throws {PatternError} at the end */
  codePoint(): number {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw new PatternError("unexpected end");
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }
}
