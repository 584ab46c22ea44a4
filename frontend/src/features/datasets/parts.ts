/** Cutting files, laid end to end, into parts that are stored under their SHA-256; the same way as the command line client. */

export const PART_BYTES = 64 * 1024 * 1024;
const LONGEST_CHARACTER = 4;

export interface SourceFile {
  path: string;
  size: number;
  read: (from: number, to: number) => Promise<Uint8Array<ArrayBuffer>>;
}

export interface Piece {
  file: SourceFile;
  from: number;
  size: number;
}

/** Pieces of at most `limit` bytes together; a file is torn only where it is larger than that, and then between characters. */
export async function cut(files: readonly SourceFile[], limit = PART_BYTES): Promise<Piece[][]> {
  const parts: Piece[][] = [];
  let room = 0;
  for (const file of files) {
    for (const piece of await piecesOf(file, limit)) {
      const group = parts.at(-1);
      if (!group || piece.size > room) {
        parts.push([piece]);
        room = limit - piece.size;
      } else {
        group.push(piece);
        room -= piece.size;
      }
    }
  }
  return parts;
}

async function piecesOf(file: SourceFile, limit: number): Promise<Piece[]> {
  const pieces: Piece[] = [];
  let from = 0;
  while (file.size - from > limit) {
    const size = await sizeBetweenCharacters(file, from, limit);
    pieces.push({ file, from, size });
    from += size;
  }
  return [...pieces, { file, from, size: file.size - from }];
}

/** The largest size up to `limit` behind which a character begins. */
async function sizeBetweenCharacters(file: SourceFile, from: number, limit: number): Promise<number> {
  const first = limit - LONGEST_CHARACTER + 1;
  const following = await file.read(from + first, from + limit + 1);
  for (let back = following.length - 1; back >= 0; back -= 1) {
    if (((following[back] ?? 0) & 0b1100_0000) !== 0b1000_0000) return first + back;
  }
  throw new Error(`${file.path} is not UTF-8 near byte ${String(from + limit)}; convert it to UTF-8`);
}

export async function readPart(pieces: readonly Piece[]): Promise<Uint8Array<ArrayBuffer>> {
  const content = new Uint8Array(pieces.reduce((sum, { size }) => sum + size, 0));
  let at = 0;
  for (const { file, from, size } of pieces) {
    const bytes = await file.read(from, from + size);
    if (bytes.length !== size) throw new Error(`${file.path} has changed since it was chosen; choose it again`);
    content.set(bytes, at);
    at += size;
  }
  return content;
}

/** Throws Error naming the file that is not UTF-8. */
export function checkText(content: Uint8Array, pieces: readonly Piece[]): void {
  let at = 0;
  for (const { file, size } of pieces) {
    try {
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content.subarray(at, at + size));
    } catch {
      throw new Error(`${file.path} is not UTF-8 text; convert it to UTF-8 or leave it out`);
    }
    at += size;
  }
}

export async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const subtle = (crypto as { subtle?: SubtleCrypto }).subtle;
  // Browsers keep WebCrypto from pages that came over plain HTTP from another machine.
  const digest = subtle ? new Uint8Array(await subtle.digest("SHA-256", content)) : (await import("@noble/hashes/sha2.js")).sha256(content);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
