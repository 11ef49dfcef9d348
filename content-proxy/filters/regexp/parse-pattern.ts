import {
  anyCharacter,
  characterClass,
  escapedClass,
  escapedLiteral,
  isWord,
  literal,
} from "./character-class.ts";
import { CharacterReader } from "./character-reader.ts";
import { type Pattern, PatternError, type PlaceTest } from "./pattern.ts";

/** Groups in groups. */
const depthMax = 100;

/** Most repetitions that may be asked for, as in RE2. */
const repeatMax = 1000;

/** What `(?…)` switches. */
export interface PatternFlags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

const newline = 10;
const noFlags: PatternFlags = { ignoreCase: false, multiline: false, dotAll: false };

/**
 * Parses the syntax of RE2, which has no look-around and no references back, so that a
 * match takes time in proportion to the length of the text.
 *
 * @throws {PatternError}
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function parsePattern(text: string): Pattern {
  const reader = new CharacterReader(text);
  const pattern = parseChoice(reader, noFlags, 0);
  if (!reader.isAtEnd) throw new PatternError("unexpected )");
  return pattern;
}

function parseChoice(reader: CharacterReader, outer: PatternFlags, depth: number): Pattern {
  if (depth > depthMax) throw new PatternError("too many groups in groups");
  const state = { flags: outer };
  const choices: Pattern[] = [];
  do choices.push(parseSequence(reader, state, depth));
  while (reader.take("|"));
  return { kind: "choice", patterns: choices };
}

/** Flags that are switched in it hold to the end of the group. */
function parseSequence(
  reader: CharacterReader,
  state: { flags: PatternFlags },
  depth: number,
): Pattern {
  const patterns: Pattern[] = [];
  while (!reader.isAtEnd && reader.peek() !== "|" && reader.peek() !== ")") {
    if (reader.take("\\Q")) {
      patterns.push(...parseQuoted(reader, state.flags));
      continue;
    }
    const pattern = parseAtom(reader, state, depth);
    if (pattern) patterns.push(parseRepeat(reader, pattern));
  }
  return { kind: "sequence", patterns };
}

function parseQuoted(reader: CharacterReader, { ignoreCase }: PatternFlags): Pattern[] {
  const patterns: Pattern[] = [];
  while (!reader.isAtEnd && !reader.take("\\E")) {
    patterns.push(characters(literal(reader.codePoint(), ignoreCase)));
  }
  return patterns;
}

/** `undefined` when it only switched flags. */
function parseAtom(
  reader: CharacterReader,
  state: { flags: PatternFlags },
  depth: number,
): Pattern | undefined {
  const { ignoreCase, multiline, dotAll } = state.flags;
  if (reader.take("(")) return parseGroup(reader, state, depth);
  if (reader.take("[")) return characters(characterClass(reader, ignoreCase));
  if (reader.take(".")) return characters(anyCharacter(dotAll));
  if (reader.take("^")) return place(multiline ? isLineStart : isTextStart);
  if (reader.take("$")) return place(multiline ? isLineEnd : isTextEnd);
  if (reader.take("\\")) return parseEscape(reader, ignoreCase);
  if ("*+?".includes(reader.peek())) throw new PatternError("nothing to repeat");
  return characters(literal(reader.codePoint(), ignoreCase));
}

function parseEscape(reader: CharacterReader, ignoreCase: boolean): Pattern {
  if (reader.take("A")) return place(isTextStart);
  if (reader.take("z")) return place(isTextEnd);
  if (reader.take("b")) return place(isWordBoundary);
  if (reader.take("B")) return place((before, after) => !isWordBoundary(before, after));
  const set = escapedClass(reader, ignoreCase);
  return characters(set ?? literal(escapedLiteral(reader), ignoreCase));
}

function parseGroup(
  reader: CharacterReader,
  state: { flags: PatternFlags },
  depth: number,
): Pattern | undefined {
  let { flags } = state;
  const isNamed = reader.takeMatch(/\?P?<[A-Za-z_][A-Za-z0-9_]*>/y) !== undefined;
  if (!isNamed && reader.take("?")) {
    const switches = reader.takeMatch(/[imsU]*(?:-[imsU]+)?/y) ?? "";
    flags = switched(flags, switches);
    if (switches !== "" && reader.take(")")) {
      state.flags = flags;
      return undefined;
    }
    if (!reader.take(":")) throw new PatternError("unknown group");
  }
  const pattern = parseChoice(reader, flags, depth + 1);
  if (!reader.take(")")) throw new PatternError("missing )");
  return pattern;
}

/** `U` swaps which match is looked for first; there is a match or there is none. */
function switched(flags: PatternFlags, switches: string): PatternFlags {
  const [on = "", off = ""] = switches.split("-");
  const value = (letter: string, before: boolean) =>
    off.includes(letter) ? false : on.includes(letter) || before;
  return {
    ignoreCase: value("i", flags.ignoreCase),
    multiline: value("m", flags.multiline),
    dotAll: value("s", flags.dotAll),
  };
}

function parseRepeat(reader: CharacterReader, pattern: Pattern): Pattern {
  const range = parseRange(reader);
  if (!range) return pattern;
  reader.take("?");
  if (parseRange(reader)) throw new PatternError("repetition of a repetition");
  return { kind: "repeat", pattern, ...range };
}

function parseRange(
  reader: CharacterReader,
): { readonly min: number; readonly max: number } | undefined {
  if (reader.take("*")) return { min: 0, max: Infinity };
  if (reader.take("+")) return { min: 1, max: Infinity };
  if (reader.take("?")) return { min: 0, max: 1 };
  // Braces that hold no range are characters like others.
  const braces = reader.takeMatch(/\{\d+(?:,\d*)?\}/y);
  if (braces === undefined) return undefined;
  const [from = "", to = from] = braces.slice(1, -1).split(",");
  const min = Number(from);
  const max = to === "" ? Infinity : Number(to);
  if (min > repeatMax || (max !== Infinity && max > repeatMax) || min > max) {
    throw new PatternError("bad repetition");
  }
  return { min, max };
}

function characters(test: (codePoint: number) => boolean): Pattern {
  return { kind: "character", test };
}

function place(test: PlaceTest): Pattern {
  return { kind: "place", test };
}

function isTextStart(before: number | undefined): boolean {
  return before === undefined;
}

function isTextEnd(_before: number | undefined, after: number | undefined): boolean {
  return after === undefined;
}

function isLineStart(before: number | undefined): boolean {
  return before === undefined || before === newline;
}

function isLineEnd(_before: number | undefined, after: number | undefined): boolean {
  return after === undefined || after === newline;
}

function isWordBoundary(before: number | undefined, after: number | undefined): boolean {
  return isWord(before) !== isWord(after);
}
