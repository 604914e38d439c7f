import { SnapshotError } from './snapshot-error.ts';

/** Reads what a `ByteWriter` has written. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether everything has been read. */
  get atEnd(): boolean {
    return this.at === this.bytes.length;
  }

  byte(): number {
    if (this.at === this.bytes.length) throw new SnapshotError('it ends in the middle');
    return this.bytes[this.at++];
  }

  /** An integer from 0 to 2^53 - 1. */
  count(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  float(): number {
    this.need(8);
    this.at += 8;
    return this.view.getFloat64(this.at - 8, true);
  }

  text(): string {
    let text = '';
    for (let left = this.count(); left > 0; left--) text += String.fromCharCode(this.count());
    return text;
  }

  /** The next bytes, where they are. */
  raw(bytes: number): Uint8Array {
    this.need(bytes);
    this.at += bytes;
    return this.bytes.subarray(this.at - bytes, this.at);
  }

  private need(bytes: number): void {
    if (this.at + bytes > this.bytes.length) throw new SnapshotError('it ends in the middle');
  }
}
