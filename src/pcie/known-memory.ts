/** What was found to be memory is remembered in so many pieces of this size. */
const PIECES = 64;
const PIECE_BYTES = 1 << 21;

/**
 * Which addresses have memory behind them, without asking for each: pieces of 2 MiB that are all memory are
 * remembered by their numbers.
 */
export class KnownMemory {
  private readonly isMemory: (address: number, bytes: number) => boolean;
  private readonly known = new Float64Array(PIECES).fill(Number.NaN);

  /** @param isMemory whether memory stands behind so many bytes at an address; the answer must stay the same. */
  constructor(isMemory: (address: number, bytes: number) => boolean) {
    this.isMemory = isMemory;
  }

  /** Whether memory stands behind `bytes` bytes at `address`, all in one page. An address below zero has none. */
  holds(address: number, bytes: number): boolean {
    const piece = Math.floor(address / PIECE_BYTES);
    return this.known[piece & (PIECES - 1)] === piece || this.ask(address, bytes, piece);
  }

  private ask(address: number, bytes: number, piece: number): boolean {
    if (address < 0 || !this.isMemory(address, bytes)) return false;
    if (this.isMemory(piece * PIECE_BYTES, PIECE_BYTES)) this.known[piece & (PIECES - 1)] = piece;
    return true;
  }
}
