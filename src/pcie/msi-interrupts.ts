import { AssertionError } from '../base/index.ts';
import { CAP_MSI } from './capabilities/ids.ts';
import { MSI_CONTROL, MSI_ENABLE } from './capabilities/msi.ts';
import type { PcieFunction } from './function.ts';
import type { SendMessage } from './msix-table.ts';

/** Bits of Message Control. */
const ADDRESS_64 = 1 << 7;
const MASKABLE = 1 << 8;

/**
 * The interrupts of a function by MSI: whether one goes out, waits in Pending Bits, or is lost (PCI 3.0 6.8.1). Of the
 * vectors that a function can have, software grants a power of two; a message has the number of its vector in as many low bits
 * of the data, and vectors beyond share those that there are.
 *
 * @example
 * const msi = new MsiInterrupts(fn, (vector, low, high, data) => fabric.write(low, high, data));
 * msi.signal(3);
 */
export class MsiInterrupts {
  /** Vectors that the function can have. */
  readonly vectors: number;
  private readonly fn: PcieFunction;
  private readonly send: SendMessage;
  private readonly base: number;
  /** Offset of Message Data. */
  private readonly data: number;
  private readonly maskable: boolean;

  /** @throws RangeError if the function has no MSI. */
  constructor(fn: PcieFunction, send: SendMessage) {
    this.base = fn.findCapability(CAP_MSI);
    if (this.base === 0) throw new RangeError(`${fn.name} has no MSI`);
    this.fn = fn;
    this.send = send;
    const control = fn.config.read16(this.base + MSI_CONTROL);
    this.vectors = 1 << ((control >> 1) & 7);
    this.data = this.base + ((control & ADDRESS_64) !== 0 ? 0x0c : 0x08);
    this.maskable = (control & MASKABLE) !== 0;
    fn.config.onWrite(this.base, () => this.sendPending());
    if (this.maskable) {
      fn.config.onWrite(this.data + 4, () => this.sendPending());
      fn.events.on('busMaster', () => this.sendPending());
    }
  }

  /** Vectors that software has granted: no more than there are, and one for what is reserved. */
  get granted(): number {
    const code = (this.control >> 4) & 7;
    return code > 5 ? 1 : Math.min(1 << code, this.vectors);
  }

  /** Raises `vector`. True if the message went out; false if it waits as pending, or MSI is off and it is lost. */
  signal(vector: number): boolean {
    if (!(Number.isInteger(vector) && vector >= 0 && vector < this.vectors))
      throw new AssertionError(`vector ${vector} of ${this.vectors}`);
    if ((this.control & MSI_ENABLE) === 0) return false;
    const sent = vector & (this.granted - 1);
    if (this.maskable && ((this.mask >>> sent) & 1) === 1) {
      this.pending |= 1 << sent;
      return false;
    }
    // A message is a memory write: without Bus Master Enable none goes out (PCIe 3.0 7.5.1.1).
    if (!this.fn.busMaster) return false;
    const { config } = this.fn;
    const is64 = (this.control & ADDRESS_64) !== 0;
    const data = config.read16(this.data);
    const low = config.read32(this.base + 4);
    this.send(sent, low, is64 ? config.read32(this.base + 8) : 0, (data & -this.granted) | sent);
    return true;
  }

  /** Software has written: what waits and is masked no longer goes out, if the function may send; else it waits on. */
  private sendPending(): void {
    if (!this.maskable || (this.control & MSI_ENABLE) === 0 || !this.fn.busMaster) return;
    const free = this.pending & ~this.mask;
    this.pending &= ~free;
    for (let vector = 0; vector < this.vectors; vector++)
      if (((free >>> vector) & 1) === 1) this.signal(vector);
  }

  private get control(): number {
    return this.fn.config.read16(this.base + MSI_CONTROL);
  }

  private get mask(): number {
    return this.fn.config.read32(this.data + 4);
  }

  private get pending(): number {
    return this.fn.config.read32(this.data + 8);
  }

  private set pending(bits: number) {
    this.fn.config.poke32(this.data + 8, bits);
  }
}
