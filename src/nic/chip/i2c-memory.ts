const ADDRESS = 1;
const POINTER = 2;
const STORE = 3;
const GIVE = 4;
const IDLE = 0;
const READ = 1;

/**
 * A memory of 256 bytes at a two-wire bus, as that of an SFP+ module, which software works bit by bit (I2C). It takes what
 * the master drives with the rising clock and changes its own level with the falling one; start and stop are changes of
 * the data while the clock is high. What is written to it is not kept.
 */
export class I2cMemory {
  /** What it drives: 0 pulls the data low, 1 lets go. */
  level = 1;
  private readonly bytes: Uint8Array;
  private readonly device: number;
  private state = IDLE;
  private clock = 1;
  private data = 1;
  private taken = 0;
  private shift = 0;
  private pointer = 0;

  /** @param device its address on the bus, shifted left by one as it is sent. */
  constructor(bytes: Uint8Array, device: number) {
    this.bytes = bytes;
    this.device = device;
  }

  /** The levels that the master drives. */
  drive(clock: number, data: number): void {
    if (clock === 1 && this.clock === 1 && data !== this.data) this.startOrStop(data);
    else if (clock > this.clock) this.rise(data);
    else if (clock < this.clock) this.fall();
    this.clock = clock;
    this.data = data;
  }

  private startOrStop(data: number): void {
    this.state = data === 0 ? ADDRESS : IDLE;
    this.taken = this.shift = 0;
    this.level = 1;
  }

  private rise(data: number): void {
    this.taken++;
    if (this.taken <= 8) this.shift = ((this.shift << 1) | data) & 0xff;
    // The master does not want another byte.
    else if (this.state === GIVE && data === 1) this.state = IDLE;
  }

  private fall(): void {
    if (this.state === IDLE) this.level = 1;
    else if (this.state === GIVE) this.fallGiving();
    else if (this.taken === 8) this.level = this.accept(this.shift) ? 0 : 1;
    else if (this.taken === 9) {
      this.taken = 0;
      this.level = 1;
      if (this.state === ADDRESS) this.begin();
    }
  }

  private fallGiving(): void {
    if (this.taken === 9) {
      this.pointer = (this.pointer + 1) & 0xff;
      this.taken = 0;
    }
    this.level = this.taken === 8 ? 1 : (this.bytes[this.pointer] >> (7 - this.taken)) & 1;
  }

  /** A byte has come: whether it is for this device. */
  private accept(byte: number): boolean {
    if (this.state === ADDRESS) {
      if ((byte & ~READ) === this.device) return true;
      this.state = IDLE;
      return false;
    }
    if (this.state === POINTER) {
      this.pointer = byte;
      this.state = STORE;
    }
    return true;
  }

  /** It has said that it is there. */
  private begin(): void {
    if ((this.shift & READ) === 0) {
      this.state = POINTER;
      return;
    }
    this.state = GIVE;
    this.level = this.bytes[this.pointer] >> 7;
  }
}
