/** What a registry wants to see before it answers. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: "basic" | "bearer";
  /** Names in lower case: `realm`, `service`, `scope`. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Longest header that is looked at. */
const lengthMax = 8192;

/** A parameter: `name=token` or `name="quoted"`; quotes inside are escaped. */
const parameterPattern = /^\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)/;

const schemePattern = /^\s*([A-Za-z0-9_-]+)\s*/;

/**
 * Reads the challenges of a `WWW-Authenticate` header that we know how to answer, in
 * its order. What is malformed is passed over.
 *
 * @see RFC 9110 §11.6.1; distribution-spec, docs/spec/auth/token.md
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header.slice(0, lengthMax);
  while (rest.trim() !== "") {
    const scheme = schemePattern.exec(rest);
    if (!scheme) break;
    rest = rest.slice(scheme[0].length);
    const parameters: Record<string, string> = {};
    for (let match = parameterPattern.exec(rest); match; match = parameterPattern.exec(rest)) {
      const [whole, name = "", quoted, token] = match;
      parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
      rest = rest.slice(whole.length);
    }
    rest = rest.replace(/^\s*,/, "");
    const known = scheme[1]?.toLowerCase();
    if (known === "basic" || known === "bearer") challenges.push({ scheme: known, parameters });
  }
  return challenges;
}
