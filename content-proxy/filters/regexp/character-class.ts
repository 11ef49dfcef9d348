import type { CharacterReader } from "./character-reader.ts";
import { type CharacterTest, PatternError } from "./pattern.ts";

/** Perl's classes, of ASCII only as in RE2. */
const perlClasses: Readonly<Record<string, CharacterTest>> = {
  d: setOf("0-9"),
  s: setOf("\\t\\n\\f\\r "),
  w: setOf("0-9A-Za-z_"),
};

const posixClasses: Readonly<Record<string, CharacterTest>> = {
  alnum: setOf("0-9A-Za-z"),
  alpha: setOf("A-Za-z"),
  ascii: setOf("\\0-\\x7f"),
  blank: setOf("\\t "),
  cntrl: setOf("\\0-\\x1f\\x7f"),
  digit: setOf("0-9"),
  graph: setOf("!-~"),
  lower: setOf("a-z"),
  print: setOf(" -~"),
  punct: setOf("!-/:-@[-`{-~"),
  space: setOf("\\t\\n\\v\\f\\r "),
  upper: setOf("A-Z"),
  word: setOf("0-9A-Za-z_"),
  xdigit: setOf("0-9A-Fa-f"),
};

const simpleEscapes: Readonly<Record<string, string>> = {
  a: "\x07",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const newline = 10;

/** Whether it is a letter, digit or underscore of ASCII; the ends of a text are not. */
export function isWord(codePoint: number | undefined): boolean {
  return codePoint !== undefined && perlClasses["w"]?.(codePoint) === true;
}

export function anyCharacter(dotAll: boolean): CharacterTest {
  return dotAll ? () => true : (codePoint) => codePoint !== newline;
}

export function literal(wanted: number, ignoreCase: boolean): CharacterTest {
  return ignoreCase ? folded((codePoint) => codePoint === wanted) : (code) => code === wanted;
}

/** Reads a class of characters up to its `]`. @throws {PatternError} */
export function characterClass(reader: CharacterReader, ignoreCase: boolean): CharacterTest {
  const isNegated = reader.take("^");
  const tests: CharacterTest[] = [];
  // A bracket that would close an empty class stands for itself.
  do tests.push(classItem(reader));
  while (!reader.take("]"));
  const any: CharacterTest = (codePoint) => tests.some((test) => test(codePoint));
  const test = ignoreCase ? folded(any) : any;
  return isNegated ? (codePoint) => !test(codePoint) : test;
}

/** Reads what follows a backslash if it names a class. @throws {PatternError} */
export function escapedClass(
  reader: CharacterReader,
  ignoreCase: boolean,
): CharacterTest | undefined {
  const name = reader.takeMatch(/[dDsSwW]/y);
  if (name !== undefined) return inverted(perlClasses[name.toLowerCase()], /[A-Z]/.test(name));
  const property = reader.takeMatch(/[pP](?:[A-Z]|\{\^?[A-Za-z_]+\})/y);
  if (property === undefined) return undefined;
  const test = propertyTest(property.replace(/[pP^{}]/, "").replaceAll(/[{}^]/g, ""));
  const isNegated = property.startsWith("P") !== property.includes("^");
  return inverted(ignoreCase ? folded(test) : test, isNegated);
}

/** Reads what follows a backslash if it stands for one character. @throws {PatternError} */
export function escapedLiteral(reader: CharacterReader): number {
  const hex = reader.takeMatch(/x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,8}\})/y);
  if (hex !== undefined) return checked(Number.parseInt(hex.replaceAll(/[x{}]/g, ""), 16));
  // Digits from 1 to 7 alone would refer back to a group.
  const octal = reader.takeMatch(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y);
  if (octal !== undefined) return checked(Number.parseInt(octal, 8));
  const name = reader.takeMatch(/[afnrtv]/y);
  if (name !== undefined) return simpleEscapes[name]?.codePointAt(0) ?? 0;
  if (/[A-Za-z0-9]/.test(reader.peek())) throw new PatternError("unknown escape");
  return reader.codePoint();
}

function classItem(reader: CharacterReader): CharacterTest {
  const posix = reader.takeMatch(/\[:\^?[a-z]+:\]/y);
  if (posix !== undefined) {
    return inverted(posixClasses[posix.replaceAll(/[[\]:^]/g, "")], posix.includes("^"));
  }
  const isEscaped = reader.take("\\");
  const set = isEscaped ? escapedClass(reader, false) : undefined;
  if (set) return set;
  const first = isEscaped ? escapedLiteral(reader) : reader.codePoint();
  if (reader.takeMatch(/-(?!\])/y) === undefined) return (codePoint) => codePoint === first;
  const last = reader.take("\\") ? escapedLiteral(reader) : reader.codePoint();
  if (last < first) throw new PatternError("bad range");
  return (codePoint) => codePoint >= first && codePoint <= last;
}

/** General categories and scripts, as the platform knows them. */
function propertyTest(name: string): CharacterTest {
  for (const property of [`gc=${name}`, `sc=${name}`]) {
    try {
      return testOf(new RegExp(`^\\p{${property}}$`, "u"));
    } catch {
      // The other one, then.
    }
  }
  throw new PatternError("unknown property");
}

function inverted(test: CharacterTest | undefined, isNegated: boolean): CharacterTest {
  if (!test) throw new PatternError("unknown class");
  return isNegated ? (codePoint) => !test(codePoint) : test;
}

/** Takes a character as well that differs only in case. */
function folded(test: CharacterTest): CharacterTest {
  return (codePoint) => {
    if (test(codePoint)) return true;
    const character = String.fromCodePoint(codePoint);
    return [character.toLowerCase(), character.toUpperCase()].some(
      (other) => other.length === character.length && test(other.codePointAt(0) ?? codePoint),
    );
  };
}

function setOf(members: string): CharacterTest {
  return testOf(new RegExp(`^[${members}]$`, "u"));
}

function testOf(pattern: RegExp): CharacterTest {
  return (codePoint) => pattern.test(String.fromCodePoint(codePoint));
}

function checked(codePoint: number): number {
  if (codePoint > 0x10ffff) throw new PatternError("no such character");
  return codePoint;
}
