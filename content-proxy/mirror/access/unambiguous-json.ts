/** Keys that mean something in a manifest, or in a descriptor of one. */
const meaningful = [
  ...["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "blobs"],
  ...["subject", "annotations", "digest", "size", "urls", "data", "platform"],
];

const spellings = new Map(meaningful.map((word) => [fold(word), word]));

/**
 * Whether whoever reads a manifest reads the same in it. Of keys that occur twice some readers
 * take the first and some the last; and Go, in which registries are written, knows a key in
 * any case: `Layers` after `layers` is what it checks, and not what others see.
 *
 * @param text JSON that was parsed without an error.
 * @see Go's encoding/json: "preferring exact matches but accepting case-insensitive matches"
 */
export function isUnambiguous(text: string): boolean {
  /** The keys so far of each object that is open; arrays have none. */
  const open: (Set<string> | undefined)[] = [];
  let literal = "";
  for (let at = 0; at < text.length; at++) {
    switch (text.charAt(at)) {
      case "{":
        open.push(new Set());
        break;
      case "[":
        open.push(undefined);
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case '"': {
        const end = endOfString(text, at);
        literal = text.slice(at, end);
        at = end - 1;
        break;
      }
      case ":": {
        const key = String(JSON.parse(literal) as unknown);
        const folded = fold(key);
        const keys = open.at(-1);
        if (keys?.has(folded) === true) return false;
        if ((spellings.get(folded) ?? key) !== key) return false;
        keys?.add(folded);
      }
    }
  }
  return true;
}

/** Where the string that begins at `start` is over. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** As Go folds, and a little more: `ſ` is an s, and the sign for kelvin is a k. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}
