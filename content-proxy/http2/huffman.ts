import { ConnectionError, resetCodes } from "./protocol.ts";

/** Length in bits of each symbol's code, by symbol; the last one, 256, is EOS. */
// prettier-ignore
const codeLengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const endOfString = 256;

/** The code is canonical: sorted by length, then by symbol, codes count upwards. */
const { symbols, firstCodes, firstIndexes, counts } = canonicalCode();

/**
 * Decodes a Huffman-coded string of HPACK into latin1.
 *
 * @throws {ConnectionError} when it is not one.
 * @see RFC 7541, section 5.2 and appendix B
 */
export function decodeHuffman(bytes: Uint8Array): string {
  const decoded: number[] = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      length++;
      const nth = code - (firstCodes[length] ?? 0);
      if (nth < 0 || nth >= (counts[length] ?? 0)) continue;
      const symbol = symbols[(firstIndexes[length] ?? 0) + nth] ?? endOfString;
      if (symbol === endOfString) throw badString();
      decoded.push(symbol);
      code = 0;
      length = 0;
    }
  }
  // What is left over pads the last byte with the start of EOS, which is all ones.
  if (length > 7 || code !== (1 << length) - 1) throw badString();
  return Buffer.from(decoded).toString("latin1");
}

function badString(): ConnectionError {
  return new ConnectionError(resetCodes.compressionError, "Cannot decode header: bad Huffman code");
}

function canonicalCode() {
  const lengthMax = Math.max(...codeLengths);
  const symbols = codeLengths.map((_, symbol) => symbol);
  symbols.sort((a, b) => (codeLengths[a] ?? 0) - (codeLengths[b] ?? 0) || a - b);
  const counts = new Array<number>(lengthMax + 1).fill(0);
  for (const length of codeLengths) counts[length] = (counts[length] ?? 0) + 1;
  const firstCodes = [0];
  const firstIndexes = [0];
  for (let length = 1; length <= lengthMax; length++) {
    const shorter = counts[length - 1] ?? 0;
    firstCodes[length] = ((firstCodes[length - 1] ?? 0) + shorter) << 1;
    firstIndexes[length] = (firstIndexes[length - 1] ?? 0) + shorter;
  }
  return { symbols, firstCodes, firstIndexes, counts };
}
