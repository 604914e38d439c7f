import { rowWords, writeBit } from './bitmap.ts';

/** A set of ports that other sets, rows of `words` from `row` on, are added to and intersected with. */
export class PortSet {
  readonly words: Int32Array;

  /** @param ports the set holds some of `0 .. ports - 1`. */
  constructor(ports: number) {
    this.words = new Int32Array(rowWords(ports));
  }

  isEmpty(): boolean {
    const { words } = this;
    for (let w = 0; w < words.length; w++) if (words[w] !== 0) return false;
    return true;
  }

  clear(): void {
    this.words.fill(0);
  }

  add(port: number): void {
    writeBit(this.words, 0, port, true);
  }

  remove(port: number): void {
    writeBit(this.words, 0, port, false);
  }

  addRow(words: Int32Array, row: number): void {
    const own = this.words;
    for (let w = 0; w < own.length; w++) own[w] |= words[row + w];
  }

  removeRow(words: Int32Array, row: number): void {
    const own = this.words;
    for (let w = 0; w < own.length; w++) own[w] &= ~words[row + w];
  }

  intersectRow(words: Int32Array, row: number): void {
    const own = this.words;
    for (let w = 0; w < own.length; w++) own[w] &= words[row + w];
  }

  /** True if the set and the row have a port in common. */
  meetsRow(words: Int32Array, row: number): boolean {
    const own = this.words;
    for (let w = 0; w < own.length; w++) if ((own[w] & words[row + w]) !== 0) return true;
    return false;
  }
}
