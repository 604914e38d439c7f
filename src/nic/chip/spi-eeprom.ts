/** Instructions of a serial EEPROM. */
const WRITE = 0x02;
const READ = 0x03;
const WRITE_DISABLE = 0x04;
const READ_STATUS = 0x05;
const WRITE_ENABLE = 0x06;
const OPCODE_BITS = 8;
const ADDRESS_BITS = 16;
/** Bit of the status: writes are enabled. */
const STATUS_WEL = 2;
/** A write goes round within so many bytes. */
const PAGE_BYTES = 64;

/**
 * A serial EEPROM at four wires, as software works it bit by bit: it takes its input with the rising clock, and changes its
 * output with the falling one, while its select is low. Words lie in it with the low byte first. A write is done at once.
 */
export class SpiEeprom {
  /** Level of the output. */
  output = 0;
  private readonly words: Uint16Array;
  private isSelected = false;
  private clock = 0;
  private taken = 0;
  private shift = 0;
  private opcode = 0;
  private address = 0;
  private isEnabled = false;

  constructor(words: Uint16Array) {
    this.words = words;
  }

  /** The levels of select (low: selected), clock and input. */
  drive(select: number, clock: number, input: number): void {
    if (select === 1) {
      if (this.isSelected && this.opcode === WRITE && this.taken > OPCODE_BITS + ADDRESS_BITS)
        this.isEnabled = false;
      this.isSelected = false;
      this.output = 0;
    } else if (!this.isSelected) {
      this.isSelected = true;
      this.taken = this.shift = this.opcode = 0;
    } else if (clock > this.clock) this.take(input);
    else if (clock < this.clock) this.give();
    this.clock = clock;
  }

  private take(input: number): void {
    this.shift = ((this.shift << 1) | input) & 0xffff;
    this.taken++;
    const { taken } = this;
    if (taken === OPCODE_BITS) this.begin(this.shift & 0xff);
    else if (taken === OPCODE_BITS + ADDRESS_BITS) this.address = this.shift;
    else if (taken > OPCODE_BITS + ADDRESS_BITS && taken % 8 === 0 && this.opcode === WRITE)
      this.store(this.shift & 0xff);
  }

  private begin(opcode: number): void {
    this.opcode = opcode;
    if (opcode === WRITE_ENABLE) this.isEnabled = true;
    else if (opcode === WRITE_DISABLE) this.isEnabled = false;
  }

  private give(): void {
    const { opcode, taken } = this;
    const first = opcode === READ ? OPCODE_BITS + ADDRESS_BITS : OPCODE_BITS;
    if ((opcode !== READ && opcode !== READ_STATUS) || taken < first) {
      this.output = 0;
      return;
    }
    const done = taken - first;
    const byte = opcode === READ ? this.byteAt(this.address + (done >> 3)) : this.isEnabled ? STATUS_WEL : 0;
    this.output = (byte >> (7 - (done & 7))) & 1;
  }

  private byteAt(address: number): number {
    const word = this.words[(address >> 1) & (this.words.length - 1)];
    return (address & 1) === 0 ? word & 0xff : word >> 8;
  }

  private store(byte: number): void {
    if (!this.isEnabled) return;
    const at = (this.address >> 1) & (this.words.length - 1);
    const word = this.words[at];
    this.words[at] = (this.address & 1) === 0 ? (word & 0xff00) | byte : (word & 0xff) | (byte << 8);
    const page = this.address - (this.address % PAGE_BYTES);
    this.address = page + ((this.address + 1) % PAGE_BYTES);
  }
}
