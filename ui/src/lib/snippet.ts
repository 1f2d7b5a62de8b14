// The words around a hit, taken apart at the signs that the core puts around the hit.

export interface Part {
  text: string;
  hit: boolean;
}

const BEGINS = "\uE000";
const ENDS = "\uE001";

export function marked(snippet: string): Part[] {
  const parts: Part[] = [];
  for (const piece of snippet.split(BEGINS)) {
    const end = parts.length === 0 && !snippet.startsWith(BEGINS) ? -1 : piece.indexOf(ENDS);
    if (end < 0) {
      parts.push({ text: piece, hit: false });
    } else {
      parts.push({ text: piece.slice(0, end), hit: true });
      parts.push({ text: piece.slice(end + ENDS.length), hit: false });
    }
  }
  return parts.filter(({ text }) => text !== "");
}
