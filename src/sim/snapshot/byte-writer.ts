/** Bytes that a snapshot is made of, appended one after another; the buffer grows by doubling. */
export class ByteWriter {
  private bytes = new Uint8Array(1 << 16);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** What has been written, as a copy. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** The lowest 8 bits of `value`. */
  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1);
    this.bytes[this.length++] = value;
  }

  /** An integer from 0 to 2^53 - 1: seven bits a byte, the lowest first. */
  count(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** Any number, in eight bytes. */
  float(value: number): void {
    if (this.length + 8 > this.bytes.length) this.grow(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** Text, with its length in UTF-16 units before it. */
  text(text: string): void {
    this.count(text.length);
    for (let i = 0; i < text.length; i++) this.count(text.charCodeAt(i));
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  private grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.length + bytes));
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}
